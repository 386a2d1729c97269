/**
 * The live page: what arrives on the topics is kept for a while and shown to browsers, by server-sent events, and what is
 * asked for in the form goes to the topic of requests. It commits no offsets, and can be started and stopped at any time.
 */
@NullMarked
package io.finestream.gallery;

import org.jspecify.annotations.NullMarked;
