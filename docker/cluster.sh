#!/usr/bin/env bash
# A Kafka broker, ZooKeeper, a Flink JobManager and TaskManagers as processes of this machine, laid out as the images are
# and bound to 127.0.0.1. See README.md in this directory.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
layout=${FINESTREAM_LAYOUT:-$here/target/layout}
dir=${FINESTREAM_CLUSTER:-$here/target/cluster}
kafka_port=${KAFKA_PORT:-9092}
controller_port=${CONTROLLER_PORT:-$((kafka_port + 1))}
zookeeper_port=${ZOOKEEPER_PORT:-2181}
rest_port=${REST_PORT:-8081}
taskmanagers=${TASKMANAGERS:-2}
slots=${SLOTS:-2}
patience=${PATIENCE:-60}
host=127.0.0.1

usage() {
  cat <<USAGE
usage: docker/cluster.sh COMMAND

  up                    starts all that is not running, creates the topics, and submits both jobs
  down                  stops everything; what Kafka, ZooKeeper and the checkpoints hold stays
  status                what runs, and the jobs
  start PART...         kafka, zookeeper, jobmanager, taskmanager-1, taskmanager-2 and so on
  stop [-KILL] PART...  ends parts in order, or (with -KILL) as a crash does
  pid PART              process id of a part
  topics                creates the topics that are missing
  submit [--savepoint PATH] JOB [OPTION...]
                        submits 'run' or 'tune' with options of that command, as 'flink run -d' does
  flink ...             Flink's command line, as bin/flink
  finestream ...        FineStream's command line

Settings are environment variables: KAFKA_PORT ($kafka_port), REST_PORT ($rest_port), ZOOKEEPER_PORT ($zookeeper_port), TASKMANAGERS ($taskmanagers), SLOTS
($slots, of each), FINESTREAM_CLUSTER (the directory of state and logs, $dir),
FLINK_PROPERTIES (lines that are added to config.yaml).
USAGE
}

fail() {
  echo "cluster.sh: $*" >&2
  exit 1
}

[ -d "$layout/usrlib" ] || fail "$layout is not there; build it first: mvn -DskipTests package"
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
# the engine's threads give up their core while they wait
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export FLINK_PLUGINS_DIR=$layout/flink/plugins

flink_classpath="$layout/lib/*:$layout/flink/lib/*"
jvm_options=()

configure() {
  mkdir -p "$dir"/{conf,pid,log,kafka,zookeeper,ha,checkpoints,savepoints,tmp}
  {
    cat "$here/conf/config.yaml"
    cat <<CONFIG

# of this cluster of processes
jobmanager.rpc.address: $host
jobmanager.bind-host: $host
taskmanager.host: $host
taskmanager.bind-host: $host
taskmanager.numberOfTaskSlots: $slots
rest.address: $host
rest.bind-address: $host
rest.port: $rest_port
high-availability.type: zookeeper
high-availability.zookeeper.quorum: $host:$zookeeper_port
high-availability.storageDir: file://$dir/ha
execution.checkpointing.dir: file://$dir/checkpoints
execution.checkpointing.savepoint-dir: file://$dir/savepoints
io.tmp.dirs: $dir/tmp
${FLINK_PROPERTIES:-}
CONFIG
  } >"$dir/conf/config.yaml"
  cat >"$dir/conf/zoo.cfg" <<CONFIG
dataDir=$dir/zookeeper
clientPort=$zookeeper_port
clientPortAddress=$host
tickTime=2000
initLimit=10
syncLimit=5
admin.enableServer=false
server.1=$host:$((zookeeper_port + 1)):$((zookeeper_port + 2))
CONFIG
  cat >"$dir/conf/kafka.properties" <<CONFIG
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@$host:$controller_port
listeners=PLAINTEXT://$host:$kafka_port,CONTROLLER://$host:$controller_port
advertised.listeners=PLAINTEXT://$host:$kafka_port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/kafka
auto.create.topics.enable=false
message.max.bytes=16777216
replica.fetch.max.bytes=16777216
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
CONFIG
  # the options of Flink's JVMs, as its own scripts read them from the configuration
  mapfile -t jvm_options < <("$java" -cp "$flink_classpath" -Dlog4j.configurationFile="$here/processes/log4j-console.properties" \
    -Dlog4j2.level=OFF org.apache.flink.runtime.util.bash.BashJavaUtils GET_TM_RESOURCE_PARAMS --configDir "$dir/conf" 2>/dev/null |
    sed -n 's/^BASH_JAVA_UTILS_EXEC_RESULT://p')
}

pid_of() {
  local file=$dir/pid/$1
  [ -f "$file" ] && kill -0 "$(cat "$file")" 2>/dev/null && cat "$file"
}

# launch PART COMMAND...: in the background, with a log and a file of its process id
launch() {
  local part=$1
  shift
  pid_of "$part" >/dev/null && return
  nohup "$@" >>"$dir/log/$part.log" 2>&1 </dev/null &
  echo $! >"$dir/pid/$part"
}

until_open() {
  local part=$1 port=$2 end=$((SECONDS + patience))
  until (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; do
    pid_of "$part" >/dev/null || fail "$part ended; see $dir/log/$part.log"
    [ $SECONDS -lt $end ] || fail "$part does not answer at port $port after $patience s; see $dir/log/$part.log"
    sleep 0.3
  done
}

# what env.java.opts.all of config.yaml says, as Flink's own scripts apply it
read -r -d '' -a java_options < <(sed -n '/^env.java.opts.all:/,/^$/p' "$here/conf/config.yaml" | sed 1d) || true

flink_java() {
  local memory=$1
  shift
  # shellcheck disable=SC2086 # these are several options
  launch "$part" "$java" $memory "${java_options[@]}" -Dlog4j.configurationFile="file:$here/processes/log4j-console.properties" \
    -cp "$flink_classpath" "$@" --configDir "$dir/conf"
}

start() {
  local part=$1
  case $part in
    kafka)
      [ -f "$dir/kafka/meta.properties" ] || "$java" -cp "$layout/kafka/libs/*" kafka.tools.StorageTool format \
        --config "$dir/conf/kafka.properties" --cluster-id "$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d =)" \
        >>"$dir/log/kafka.log" 2>&1 || fail "Kafka's directory could not be formatted; see $dir/log/kafka.log"
      launch kafka "$java" -Xmx512m -Dlog4j.configurationFile="file:$here/processes/log4j-console.properties" \
        -cp "$layout/kafka/libs/*" kafka.Kafka "$dir/conf/kafka.properties"
      until_open kafka "$kafka_port"
      ;;
    zookeeper)
      launch zookeeper "$java" -Xmx128m -Dlog4j.configurationFile="file:$here/processes/log4j-console.properties" \
        -cp "$flink_classpath" org.apache.flink.runtime.zookeeper.FlinkZooKeeperQuorumPeer --zkConfigFile "$dir/conf/zoo.cfg" --peerId 1
      until_open zookeeper "$zookeeper_port"
      ;;
    jobmanager)
      flink_java "-Xmx512m -XX:MaxMetaspaceSize=256m" org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint
      until_open jobmanager "$rest_port"
      ;;
    taskmanager-*)
      # shellcheck disable=SC2086 # these are several options
      launch "$part" "$java" ${jvm_options[0]} "${java_options[@]}" \
        -Dlog4j.configurationFile="file:$here/processes/log4j-console.properties" -cp "$flink_classpath" \
        org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$dir/conf" ${jvm_options[1]} \
        -D "taskmanager.resource-id=$part"
      ;;
    *) fail "part '$part' is unknown, expected kafka, zookeeper, jobmanager or taskmanager-N" ;;
  esac
}

stop() {
  local signal=$1 part=$2 pid end=$((SECONDS + patience))
  pid=$(pid_of "$part") || return 0
  kill "$signal" "$pid"
  while kill -0 "$pid" 2>/dev/null; do
    [ $SECONDS -lt $end ] || fail "$part (process $pid) does not end after $patience s"
    sleep 0.2
  done
  rm -f "$dir/pid/$part"
}

parts() {
  echo kafka zookeeper jobmanager
  seq -f 'taskmanager-%g' "$taskmanagers"
}

flink() {
  FLINK_CONF_DIR=$dir/conf "$java" -Xmx256m -Dlog4j.configurationFile="file:$here/processes/log4j-client.properties" \
    "${java_options[@]}" -cp "$flink_classpath" org.apache.flink.client.cli.CliFrontend "$@"
}

finestream() {
  "$java" -Xmx512m "${java_options[@]}" -Dlog4j.configurationFile="file:$here/processes/log4j-client.properties" \
    -cp "$layout/usrlib/finestream.jar:$flink_classpath" io.finestream.cli.FineStream "$@"
}

running_jobs() {
  local listed
  listed=$(flink list -r 2>&1) || fail "the JobManager does not list its jobs; see $dir/log/jobmanager.log"
  sed -n 's/^[0-9. :]* : \([0-9a-f]*\) : \(.*\) (.*)$/\2/p' <<<"$listed"
}

# submit [--savepoint PATH] run|tune OPTION...
submit() {
  local savepoint=()
  if [ "${1:-}" = --savepoint ]; then
    savepoint=(--fromSavepoint "$2")
    shift 2
  fi
  local command=$1
  shift
  flink run -d "${savepoint[@]}" "$layout/usrlib/finestream.jar" "$command" --bootstrap-servers "$host:$kafka_port" "$@"
}

up() {
  local part running
  for part in $(parts); do
    start "$part"
  done
  finestream topics create --bootstrap-servers "$host:$kafka_port"
  running=$(running_jobs)
  grep -q 'finestream generation' <<<"$running" || submit run --parallelism "$taskmanagers"
  grep -q 'finestream fine-tuning' <<<"$running" || submit tune
  status
}

down() {
  local part
  for part in $(parts | tr ' ' '\n' | tac); do
    stop -TERM "$part"
  done
}

status() {
  local part pid
  for part in $(parts); do
    if pid=$(pid_of "$part"); then
      printf '%-14s process %-7s %4d MB\n' "$part" "$pid" "$(($(awk '/^VmRSS/ {print $2}' "/proc/$pid/status") / 1024))"
    else
      printf '%-14s stopped\n' "$part"
    fi
  done
  if pid_of jobmanager >/dev/null; then
    echo "Flink: http://$host:$rest_port   Kafka: $host:$kafka_port   logs: $dir/log"
    running_jobs | sed 's/^/running: /'
  fi
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  up | down | status) configure && "$command" ;;
  start) configure && for part in "$@"; do start "$part"; done ;;
  stop)
    signal=-TERM
    [ "${1:-}" != -KILL ] || { signal=-KILL && shift; }
    for part in "$@"; do stop "$signal" "$part"; done
    ;;
  pid) pid_of "${1:?which part?}" ;;
  topics) finestream topics create --bootstrap-servers "$host:$kafka_port" ;;
  submit) submit "$@" ;;
  flink | finestream) "$command" "$@" ;;
  *)
    usage
    [ "$command" = help ] || [ "$command" = --help ] || exit 2
    ;;
esac
