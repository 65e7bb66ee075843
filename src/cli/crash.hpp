#pragma once

namespace lockstep::cli {

/// From now on what nobody foresaw ends this process, and with it the job, by one message and an
/// exit code of the table: a failed assertion, std::terminate, abort() and the signals of a program
/// that went wrong, in whichever thread, with MPI or without: 70, but 71 where memory was lacking
/// (SIGBUS: a page of /dev/shm or of a file that shrank). Where core dumps are wanted (ulimit -c),
/// there is one. Signals that another process sent do what they always do.
void catch_crashes();

}  // namespace lockstep::cli
