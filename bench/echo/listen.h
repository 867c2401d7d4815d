// What both floors do alike before their loops start: arguments, limits, the listening socket.
#pragma once

// Reads `[--host ADDR] [--buffer BYTES] PORT` (numeric, 127.0.0.1 if not given, port 0 for any; the
// buffer is for echo_buffer_bytes), listens and prints
// `listening on ADDR:PORT`. From then on SIGTERM and SIGINT end the process with 0. `type` is
// ored into the socket's: SOCK_NONBLOCK or 0. Any failure prints why and ends the process with 1.
int echo_listen(int argc, char** argv, int type);

// The BYTES of the command line, or `standard`.
unsigned echo_buffer_bytes(int argc, char** argv, unsigned standard);

// As many descriptors as the hard limit lets the process have; descriptors are below it.
int echo_descriptor_limit(void);

// Says what failed, with errno `error`, and ends the process with 1.
_Noreturn void echo_fail(const char* what, int error);
