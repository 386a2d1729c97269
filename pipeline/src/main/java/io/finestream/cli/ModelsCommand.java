package io.finestream.cli;

import picocli.CommandLine.Command;

@Command(
        name = "models",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = {
            "Looks after the versions of the tuned parameters.",
            "The topic 'parameters' tells of all versions, and holds the tensors of the newest. The tensors of an older"
                    + " one are in the adapter file that the fine-tuning job wrote of it."
        },
        footer = {"", "Example:", "  finestream models list --bootstrap-servers localhost:9092"},
        subcommands = {
            ModelsListCommand.class,
            ModelsShowCommand.class,
            ModelsExportCommand.class,
            ModelsRollbackCommand.class
        })
final class ModelsCommand {}
