"""Process 1 of every sandbox container: runs commands for the host, asked over a stream.

That is its own standard input and output, until the host asks it to `meet`: then it connects to the socket that is
mounted for it, before it was asked for any command, and goes on there.

The modules' sources are handed to the container's own `python3 -I -S` (`sandbox.shell.supervisor_command`), so they use
the standard library only, of Python 3.8 or later, and never run on the host. The supervisor and its tenant have the
same user id; what keeps the tenant away from it:

* as process 1 of its namespace it cannot be signalled from inside, and `kill -1` passes it over;
* it is not dumpable, so its `/proc/1/fd`, its memory and ptrace are closed to its own user id;
* children get pipes of their own, never its streams (all other descriptors, the socket's too, are close-on-exec).

Protocol (`stream`): strictly one answer to one request. Whatever goes wrong with the stream ends the process, and with
it the container: there is no half-trusted state.
"""
