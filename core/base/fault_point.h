#pragma once

#include <array>
#include <string_view>

namespace distill {

/// Places where a test can make a process die as by kill -9, or stand still. DISTILL_FAULT=NAME[:N]
/// in the environment of distilld or distill_worker: it dies at the N-th passage (the first,
/// without N); DISTILL_FAULT=stop@NAME[:N]: it stands still there, as by kill -STOP, until SIGCONT.
/// Other values end the program with a message. The build option DISTILL_FAULT_POINTS (on where
/// tests are built) compiles them in; without the variable each costs one look at a constant.
inline constexpr std::array<std::string_view, 23> kFaultPoints = {
    "rpc.before_submit",           // a submit has come, nothing is stored
    "rpc.before_reply",            // it is stored, the caller does not know
    "store.before_commit",         // any transaction of control.db or metrics.db
    "store.after_commit",          //
    "store.between_databases",     // a stretch of journal is in metrics.db, not yet in control.db
    "delete.before_commit",        // a deletion is noted, the job is there
    "delete.before_files",         // the job is deleted, its files are there
    "run.before_prepare",          // the attempt is stored, its folder is not made
    "run.before_spawn",            // the folder is made
    "run.after_spawn",             // the worker runs, its pid is not stored
    "run.before_end",              // the worker has ended, the end is not stored
    "journal.before_write",        // an event of a run journal
    "journal.torn_write",          // a part of it is written
    "journal.before_sync",         //
    "file.before_create",          // the system calls that replace a file: spec, order, checkpoint
    "file.before_write",           //
    "file.torn_write",             //
    "file.before_sync",            //
    "file.before_rename",          //
    "file.before_directory_sync",  //
    "checkpoint.before_rotation",  // next.ckpt is whole; last.ckpt becomes last-1.ckpt …
    "checkpoint.within_rotation",  // … and next.ckpt becomes last.ckpt
    "input.before_read",           // weights and manifest are hashed, not yet read
};

#ifdef DISTILL_FAULT_POINTS
inline constexpr bool kHasFaultPoints = true;
#else
inline constexpr bool kHasFaultPoints = false;
#endif

namespace fault {

/// Whether DISTILL_FAULT was set when the program started.
extern const bool kIsArmed;

/// Counts a passage; returns whether the process has to die now. Where it has to stand still it
/// does, and lives on. REQUIRES: kIsArmed.
bool CountPassage(std::string_view name);

/// Ends the process by SIGKILL.
[[noreturn]] void Die();

}  // namespace fault

/// Returns whether the process has to die at the point `name`, one of kFaultPoints. Stands still
/// there, if a test asked for that.
inline bool IsFaultDue(std::string_view name) {
  if constexpr (kHasFaultPoints) return fault::kIsArmed && fault::CountPassage(name);
  return false;
}

/// Dies or stands still here, if a test asked for it.
inline void FaultPoint(std::string_view name) {
  if (IsFaultDue(name)) fault::Die();
}

}  // namespace distill
