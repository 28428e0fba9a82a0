#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace distill::testing {

/// The memory of a process that is in RAM, 0 when there is no such process.
double MemoryMiB(pid_t process);

/// How many files a process has open.
int OpenFiles(pid_t process);

/// What they are, by kind: "3 eventfd, 12 socket, 2 control.db".
std::string OpenFilesText(pid_t process);

/// The processor time that a process has used, of all its threads, in seconds.
double ProcessorSeconds(pid_t process);

/// Lets a process (its main thread, and those that it starts later) run on one processor only, or
/// on all others. False: this machine has but one, or does not let us.
bool PinTo(pid_t process, int processor);
bool KeepOff(pid_t process, int processor);

/// The median of the times of steps, in ms, that `file` (fake_worker's "train") notes between two
/// moments, in ms since 1970. 0: there are none.
double MedianStepMs(const std::filesystem::path& file, int64_t from_unix_ms, int64_t to_unix_ms);

}  // namespace distill::testing
