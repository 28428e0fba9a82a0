#pragma once

#include <cstdint>
#include <string>

#include "distill/v1/job.pb.h"

namespace distill::client {

/// What is said of a job that the server tells nothing of.
inline constexpr char kStrangersJob[] = "a job of another member";

/// Returns e.g. "RUNNING".
std::string StateText(v1::JobState state);
/// " (stalled 3m12s)"; empty where `since_unix_ms` is 0.
std::string StalledText(int64_t since_unix_ms, int64_t now_unix_ms);

/// Returns e.g. "OUT_OF_MEMORY"; "" when there is none.
std::string CauseText(v1::Cause cause);

/// Returns the spec with the server's defaults where it is known, else as it was given.
const v1::TrainJob& TrainSpec(const v1::Job& job);
const v1::EvalJob& EvalSpec(const v1::Job& job);

/// Returns what a job is about in a few words: "train mobilenetv2 mgd", "eval student".
std::string SummaryText(const v1::Job& job);

/// Returns the distillation methods and regularisers of a training job: "mgd+at, ema"; "" for none.
std::string MethodText(const v1::TrainJob& job);

/// Returns the name of the first teacher's job or file; "" for none.
std::string TeacherOf(const v1::TrainJob& job);

/// Returns ids of devices with commas between them, those of GPUs cut: "GPU-1f0c2a7b,GPU-90ab3c11";
/// "-" for none.
std::string DevicesText(const google::protobuf::RepeatedPtrField<std::string>& devices);

/// Returns the devices of a job's newest attempt, or, where it needs several and waits for them,
/// how many: "2 wanted".
std::string DevicesText(const v1::Job& job);

/// Returns e.g. "3/150", or "-" for a job that has not started.
std::string ProgressText(const v1::Job& job);

/// Returns the share of its epochs that a job has done, in [0, 1].
double ProgressShare(const v1::Job& job);

/// Returns one line on a job: name, state, epoch, progress bar, accuracy, time left, images per
/// second and losses as far as they are known and fit into `width` characters (the losses and the
/// bar go first), then its message, cut to that width.
std::string ProgressLine(const v1::Job& job, int64_t now_unix_ms, size_t width);

}  // namespace distill::client
