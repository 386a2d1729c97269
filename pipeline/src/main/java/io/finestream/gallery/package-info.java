/**
 * The live page: what arrives on the topics is kept for a while and shown to browsers on this machine, by server-sent
 * events. It commits no offsets, and can be started and stopped at any time.
 */
@NullMarked
package io.finestream.gallery;

import org.jspecify.annotations.NullMarked;
