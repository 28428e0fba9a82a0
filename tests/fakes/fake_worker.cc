// A worker that trains nothing: it plays a script, one command a line, into its run journal.
//
//   fake_worker RUN_DIRECTORY
//
// The script is RUN_DIRECTORY/script, else the variable DISTILL_FAKE_SCRIPT, else the file beside
// the program's (or its link's) name with ".script" appended, else kDefaultScript. Commands are
// lines, or split by ';':
//
//   started [RESUMED_EPOCH]        step EPOCH STEP          epoch NUMBER ACCURACY
//   epochs FIRST LAST              the epochs from FIRST to LAST, 2 ms apart
//   burst FIRST LAST               the same, as fast as it can
//   wide FIRST LAST                as burst, with ten series
//   artifact NAME [BYTES]          of 7 bytes, or of so many that are 0
//   notice WORDS                   warning WORDS            a notice to be looked at
//   scan_report FILES
//   outcome STATE CAUSE [WORDS]    (numbers of distill.v1)  print WORDS
//   exit CODE                      kill                     (by SIGKILL)
//   torn                           damaged                  a part of an event; one whose sum fails
//   beat FILE                      a step every 20 ms until RUN_DIRECTORY/FILE exists
//   train FILE                     steps of the same work, each told, until RUN_DIRECTORY/FILE
//   exists;
//                                  RUN_DIRECTORY/steps gets a line each: ms since 1970, us it took
//   wait FILE                      until RUN_DIRECTORY/FILE exists
//   idle                           the same as wait_term, without looking 500 times a second
//   wait_term                      until SIGTERM; then a cancelled outcome and exit 10
//   ignore_term                    SIGTERM does nothing from now on
//   child FILE                     starts a child that never ends; its pid goes into FILE
//   stray FILE                     the same, in a session of its own, with another parent
//   large NAME BYTES               a file, or where it cannot be written, a FAILED outcome with why
//   lines COUNT                    prints COUNT lines, 2 ms apart
//
// A SIGTERM during `wait` ends like wait_term. The lock RUN_DIRECTORY/worker.lock is held as long
// as the process lives.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/durable_file.h"
#include "core/base/exit_code.h"
#include "core/base/journal.h"
#include "core/base/stop_order.h"
#include "distill/worker/v1/worker.pb.h"

namespace distill::testing {
namespace {

constexpr char kDefaultScript[] =
    "started;step 0 5;epoch 1 0.5;artifact last.ckpt;epoch 2 0.75;artifact best.safetensors;"
    "scan_report 3;outcome 8 0";

volatile std::sig_atomic_t stop_requested = 0;

void RequestStop(int /*signal*/) { stop_requested = 1; }

void Pause() {
  const timespec two_ms{0, 2'000'000};
  ::nanosleep(&two_ms, nullptr);
}

class ScriptedWorker {
 public:
  ScriptedWorker(std::filesystem::path directory, JournalAppender journal)
      : directory_(std::move(directory)), journal_(std::move(journal)) {}

  // Plays one command. Returns false when the command is unknown or fails.
  bool Play(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    return PlayEvent(command, words) || PlayWait(command, words) || PlayProcess(command, words);
  }

 private:
  bool PlayEvent(const std::string& command, std::istringstream& words) {
    worker::v1::RunEvent event;
    if (command == "started") {
      int resumed = 0;
      words >> resumed;
      event.mutable_started()->set_resumed_from_epoch(resumed);
      event.mutable_started()->set_num_epochs(2);
      event.mutable_started()->set_steps_per_epoch(10);
    } else if (command == "step") {
      int epoch = 0;
      int64_t step = 0;
      words >> epoch >> step;
      event.mutable_step()->set_epoch(epoch);
      event.mutable_step()->set_step(step);
      event.mutable_step()->set_steps_per_epoch(10);
      event.mutable_step()->set_images_per_second(100);
      event.mutable_step()->set_phase("train");
      (*event.mutable_step()->mutable_metrics())["train/loss"] = 1.0;
    } else if (command == "epoch") {
      int number = 0;
      double accuracy = 0;
      words >> number >> accuracy;
      SetEpoch(event, number, accuracy);
    } else if (command == "beat") {
      return Beat(directory_ / Rest(words));
    } else if (command == "train") {
      return Train(directory_ / Rest(words));
    } else if (command == "epochs" || command == "burst" || command == "wide") {
      return PlayEpochs(words, command);
    } else if (command == "artifact") {
      std::string name;
      words >> name;
      std::ofstream(directory_ / name) << "content";
      uint64_t size = 0;
      if (words >> size) {
        std::filesystem::resize_file(directory_ / name, size);
      } else {
        size = 7;
      }
      event.mutable_artifact()->mutable_artifact()->set_name(name);
      event.mutable_artifact()->mutable_artifact()->set_size_bytes(static_cast<int64_t>(size));
      event.mutable_artifact()->mutable_artifact()->set_kind("checkpoint");
    } else if (command == "notice" || command == "warning") {
      event.mutable_notice()->set_message(Rest(words));
      event.mutable_notice()->set_level(command == "warning"
                                            ? worker::v1::NOTICE_LEVEL_WARNING
                                            : worker::v1::NOTICE_LEVEL_INFORMATION);
    } else if (command == "scan_report") {
      int64_t files = 0;
      words >> files;
      event.mutable_scan_report()->set_num_files(files);
    } else if (command == "outcome") {
      int state = 0;
      int cause = 0;
      words >> state >> cause;
      SetOutcome(event, state, cause, Rest(words));
    } else {
      return false;
    }
    return Append(event);
  }

  bool PlayWait(const std::string& command, std::istringstream& words) {
    if (command == "wait") {
      WaitFor(directory_ / Rest(words));
    } else if (command == "wait_term") {
      while (stop_requested == 0) Pause();
      Leave();
    } else if (command == "idle") {
      const timespec second{1, 0};
      while (stop_requested == 0) ::nanosleep(&second, nullptr);
      Leave();
    } else {
      return false;
    }
    return true;
  }

  void WaitFor(const std::filesystem::path& file) {
    while (!std::filesystem::exists(file)) {
      if (stop_requested != 0) Leave();
      Pause();
    }
  }

  bool PlayProcess(const std::string& command, std::istringstream& words) {
    if (command == "print") {
      std::cout << Rest(words) << std::endl;
    } else if (command == "exit") {
      int code = 0;
      words >> code;
      ::_exit(code);
    } else if (command == "kill") {
      ::kill(::getpid(), SIGKILL);
    } else if (command == "large") {
      return WriteLarge(words);
    } else if (command == "torn") {
      return AppendRaw(std::string("\x40\0\0\0only a part", 15));
    } else if (command == "damaged") {
      return AppendRaw(std::string("\x04\0\0\0\x01\x02\x03\x04oops", 12));
    } else if (command == "ignore_term") {
      std::signal(SIGTERM, SIG_IGN);
    } else if (command == "child") {
      return StartChild(Rest(words));
    } else if (command == "stray") {
      return StartStray(Rest(words));
    } else if (command == "lines") {
      PrintLines(words);
    } else {
      return false;
    }
    return true;
  }

  static void SetEpoch(worker::v1::RunEvent& event, int number, double accuracy) {
    event.mutable_epoch()->set_epoch(number);
    event.mutable_epoch()->set_step(int64_t{10} * number);
    event.mutable_epoch()->set_is_best(true);
    (*event.mutable_epoch()->mutable_metrics())["val/accuracy"] = accuracy;
  }

  bool PlayEpochs(std::istringstream& words, const std::string& command) {
    constexpr int kMoreSeries = 9;
    const bool is_paced = command == "epochs";
    int first = 0;
    int last = 0;
    words >> first >> last;
    for (int number = first; number <= last; ++number) {
      if (stop_requested != 0) Leave();
      worker::v1::RunEvent event;
      SetEpoch(event, number, 1.0 - 1.0 / number);
      for (int series = 0; command == "wide" && series < kMoreSeries; ++series) {
        (*event.mutable_epoch()->mutable_metrics())["train/" + std::to_string(series)] = number;
      }
      if (!Append(event, is_paced)) return false;
      if (is_paced) Pause();
    }
    return true;
  }

  bool Beat(const std::filesystem::path& end) {
    for (int64_t step = 1; !std::filesystem::exists(end); ++step) {
      if (stop_requested != 0) Leave();
      worker::v1::RunEvent event;
      event.mutable_step()->set_step(step);
      event.mutable_step()->set_steps_per_epoch(1'000'000);
      if (!Append(event, /*is_durable=*/false)) return false;
      for (int i = 0; i < 10; ++i) Pause();
    }
    return true;
  }

  // The work of a step is a product of matrices; the sum keeps the compiler from leaving it out.
  static double MatrixProduct(std::vector<double>& product) {
    constexpr size_t kSize = 128;
    const std::vector<double> factor(kSize * kSize, 0.5);
    product.assign(kSize * kSize, 0);
    for (size_t row = 0; row < kSize; ++row) {
      for (size_t inner = 0; inner < kSize; ++inner) {
        for (size_t column = 0; column < kSize; ++column) {
          product[row * kSize + column] +=
              factor[row * kSize + inner] * factor[inner * kSize + column];
        }
      }
    }
    return std::accumulate(product.begin(), product.end(), 0.0);
  }

  bool Train(const std::filesystem::path& end) {
    std::ofstream times(directory_ / "steps");
    std::vector<double> product;
    for (int64_t step = 1; !std::filesystem::exists(end); ++step) {
      if (stop_requested != 0) Leave();
      const auto start = std::chrono::steady_clock::now();
      worker::v1::RunEvent event;
      event.mutable_step()->set_step(step);
      event.mutable_step()->set_steps_per_epoch(1'000'000);
      (*event.mutable_step()->mutable_metrics())["train/loss"] = MatrixProduct(product);
      if (!Append(event, /*is_durable=*/false)) return false;
      const auto took = std::chrono::steady_clock::now() - start;
      times << SystemClock().UnixMillis() << ' '
            << std::chrono::duration_cast<std::chrono::microseconds>(took).count() << std::endl;
    }
    return true;
  }

  bool WriteLarge(std::istringstream& words) {
    std::string name;
    size_t bytes = 0;
    words >> name >> bytes;
    const Status written = ReplaceFile(directory_ / name, std::string(bytes, 'x'));
    if (written.ok()) return true;
    worker::v1::RunEvent event;
    SetOutcome(event, v1::JOB_STATE_FAILED, v1::CAUSE_STORAGE, written.message());
    Append(event);
    ::_exit(static_cast<int>(WorkerExit::kStorage));
  }

  [[noreturn]] static void PauseForEver() {
    while (true) ::pause();
  }

  // A grandchild that has left the worker's process group and session.
  bool StartStray(const std::string& file) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setsid();
      const pid_t stray = ::fork();
      if (stray == 0) PauseForEver();
      static_cast<void>(ReplaceFile(directory_ / file, std::to_string(stray)).ok());
      ::_exit(0);
    }
    return ::waitpid(pid, nullptr, 0) == pid;
  }

  static void PrintLines(std::istringstream& words) {
    int count = 0;
    words >> count;
    for (int i = 1; i <= count; ++i) {
      if (stop_requested != 0) return;
      std::cout << "line " << i << std::endl;
      Pause();
    }
  }

  bool StartChild(const std::string& file) {
    const pid_t pid = ::fork();
    if (pid == 0) PauseForEver();
    return ReplaceFile(directory_ / file, std::to_string(pid)).ok();
  }

  [[noreturn]] void Leave() {
    worker::v1::RunEvent event;
    const bool is_preempted = ReadStopOrder(directory_) == StopOrder::kPreempt;
    SetOutcome(event, v1::JOB_STATE_CANCELLED, is_preempted ? v1::CAUSE_PREEMPTED : v1::CAUSE_USER,
               "stopped by an order");
    Append(event);
    ::_exit(static_cast<int>(WorkerExit::kStopped));
  }

  static void SetOutcome(worker::v1::RunEvent& event, int state, int cause,
                         const std::string& message) {
    event.mutable_outcome()->set_state(static_cast<v1::JobState>(state));
    event.mutable_outcome()->set_cause(static_cast<v1::Cause>(cause));
    event.mutable_outcome()->set_message(message);
  }

  static std::string Rest(std::istringstream& words) {
    std::string rest;
    std::getline(words >> std::ws, rest);
    return rest;
  }

  bool Append(worker::v1::RunEvent& event, bool is_durable = true) {
    event.set_sequence(++sequence_);
    event.set_at_unix_ms(SystemClock().UnixMillis());
    if (!journal_.Append(event.SerializeAsString()).ok()) return false;
    return !is_durable || journal_.Sync().ok();
  }

  bool AppendRaw(const std::string& bytes) {
    std::ofstream file(directory_ / "journal", std::ios::app | std::ios::binary);
    return static_cast<bool>(file << bytes << std::flush);
  }

  const std::filesystem::path directory_;
  JournalAppender journal_;
  int64_t sequence_ = 0;
};

std::string ReadScript(const std::filesystem::path& directory, const std::string& program) {
  std::string script = kDefaultScript;
  const char* variable = std::getenv("DISTILL_FAKE_SCRIPT");
  if (const auto own = ReadFile(directory / "script"); own.ok()) {
    script = *own;
  } else if (variable != nullptr) {
    script = variable;
  } else if (const auto shared = ReadFile(program + ".script"); shared.ok()) {
    script = *shared;
  }
  for (char& character : script) {
    if (character == ';') character = '\n';
  }
  return script;
}

// Takes the run's lock. The descriptor stays open as long as the process lives.
bool TakeLock(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "worker.lock";
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0 || ::flock(lock, LOCK_EX | LOCK_NB) != 0) return false;
  return WriteAll(lock, std::to_string(::getpid()) + "\n", path).ok();
}

int Run(const std::filesystem::path& directory, const std::string& program) {
  std::signal(SIGTERM, RequestStop);
  std::signal(SIGXFSZ, SIG_IGN);  // as the real one
  // Before its pid can be seen: a test may change the script from then on.
  std::istringstream script(ReadScript(directory, program));
  if (!TakeLock(directory)) return static_cast<int>(WorkerExit::kStorage);
  auto journal = JournalAppender::Open(directory / "journal");
  if (!journal.ok()) return static_cast<int>(WorkerExit::kStorage);
  ScriptedWorker worker(directory, std::move(journal).value());
  std::string line;
  while (std::getline(script, line)) {
    if (line.empty() || worker.Play(line)) continue;
    std::cerr << "fake_worker: cannot play: " << line << std::endl;
    return static_cast<int>(WorkerExit::kUsage);
  }
  return static_cast<int>(WorkerExit::kDone);
}

}  // namespace
}  // namespace distill::testing

int main(int argc, char** argv) { return argc == 2 ? distill::testing::Run(argv[1], argv[0]) : 2; }
