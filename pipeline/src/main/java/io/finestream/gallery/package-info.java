/**
 * The live page: what arrives on the topics is kept for a while and shown to browsers, by server-sent events; what is asked
 * for in the form goes to the topic of requests, labeled images to theirs. It commits no offsets, and can be started and
 * stopped at any time.
 */
@NullMarked
package io.finestream.gallery;

import org.jspecify.annotations.NullMarked;
