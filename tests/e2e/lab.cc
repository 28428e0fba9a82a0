#include "tests/e2e/lab.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <numeric>
#include <sstream>

#include "tests/eventually.h"
#include "tests/fakes/tiny_dataset.h"
#include "tests/guard/guard_folder.h"

extern char** environ;

namespace distill::testing {
namespace {

constexpr std::chrono::seconds kLimit{120};
constexpr int kNumClasses = 3;
constexpr int kImagesPerClass = 10;

std::string Read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

pid_t Spawn(const std::vector<std::string>& command, const std::filesystem::path& out,
            const std::filesystem::path& err) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out.c_str(), kAppend, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err.c_str(), kAppend, 0600);
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, command[0].c_str(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  EXPECT_EQ(error, 0) << "cannot start " << command[0];
  return pid;
}

int Await(pid_t pid) {
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// On which devices the daemon runs jobs. The same tests run on a GPU: deploy/gpu-check.sh.
std::string Devices() {
  const char* const devices = std::getenv("DISTILL_TEST_DEVICES");
  return devices == nullptr ? "cpu" : devices;
}

// Returns the state of a process as the kernel's letter for it, '\0' where there is none.
char ProcessState(pid_t pid) {
  const std::string stat = Read("/proc/" + std::to_string(pid) + "/stat");
  const size_t end_of_name = stat.rfind(')');
  return end_of_name == std::string::npos ? '\0' : stat.substr(end_of_name)[2];
}

}  // namespace

void Lab::SetUp() {
  GuardFolder(folder());
  worker_ = DISTILL_WORKER;
  WriteTinyDataset(folder() / "images", kNumClasses, kImagesPerClass);
  std::filesystem::create_directories(folder() / "weights");
  StartDaemon();
  CtlOk(
      {"dataset", "add", "tiny", (folder() / "images").string(), "--val", "0.2", "--test", "0.2"});
}

void Lab::TearDown() {
  if (daemon_ > 0) EndDaemon(SIGTERM);
  for (const pid_t worker : workers_) ::kill(-worker, SIGKILL);
  if (HasFailure()) std::cerr << Read(folder() / "distilld.log");
}

void Lab::StartDaemon() {
  const std::filesystem::path state = folder() / "state";
  const std::filesystem::path log = folder() / "distilld.log";
  std::filesystem::remove(state / "distilld.address");
  std::vector<std::string> command{DISTILLD, "--listen", "127.0.0.1:0", "--state-dir",
                                   state.string(), "--dataset-roots", folder().string(),
                                   "--weights-roots", (folder() / "weights").string(),
                                   "--weights-dir", (folder() / "weights").string(),
                                   "--worker-executable", worker_.string(), "--devices", Devices(),
                                   // Tests run side by side: threads of several would wait for
                                   // each other at every operation.
                                   "--worker-threads", "1", "--log-level", "debug"};
  command.insert(command.end(), daemon_flags_.begin(), daemon_flags_.end());
  daemon_ = Spawn(command, log, log);
  ASSERT_TRUE(Eventually(kLimit, [&] {
    address_ = Read(state / "distilld.address");
    return address_.find('\n') != std::string::npos;
  }));
  address_.resize(address_.find('\n'));
}

// The daemon gives its workers an environment of their own: a program between the two sets it.
void Lab::SetWorkerFault(const std::string& fault) {
  worker_ = folder() / "distill_worker";
  std::ofstream(worker_) << "#!/bin/sh\nDISTILL_FAULT='" << fault << "' exec '" << DISTILL_WORKER
                         << "' \"$@\"\n";
  std::filesystem::permissions(worker_, std::filesystem::perms::owner_all);
}

int Lab::EndDaemon(int signal) {
  ::kill(daemon_, signal);
  const int exit_code = Await(daemon_);
  daemon_ = -1;
  return exit_code;
}

Finished Lab::Ctl(const std::vector<std::string>& arguments) {
  const std::filesystem::path out = folder() / "ctl.out";
  const std::filesystem::path err = folder() / "ctl.err";
  std::filesystem::remove(out);
  std::filesystem::remove(err);
  std::vector<std::string> command{DISTILLCTL, "--server", address_};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const int exit_code = Await(Spawn(command, out, err));
  return {exit_code, Read(out), Read(err)};
}

std::string Lab::CtlOk(const std::vector<std::string>& arguments) {
  const Finished finished = Ctl(arguments);
  EXPECT_EQ(finished.exit_code, 0) << "distillctl " << arguments[0] << ": " << finished.err;
  return finished.out;
}

void Lab::Train(const std::string& name, const std::string& model, int epochs,
                const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"train", "--name", name, "--dataset", "tiny"};
  arguments.insert(arguments.end(), {"--model", model, "--epochs", std::to_string(epochs)});
  arguments.insert(arguments.end(), {"--image-size", "32", "--batch-size", "8", "--patience", "0"});
  arguments.insert(arguments.end(), more.begin(), more.end());
  CtlOk(arguments);
}

nlohmann::json Lab::Job(const std::string& name) {
  const std::string text = CtlOk({"--output", "json", "show", name});
  const nlohmann::json job = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!job.is_object()) {
    ADD_FAILURE() << "show printed no JSON object: " << text;
    return nlohmann::json::object();
  }
  // With what belongs to it around, or alone.
  return job.contains("job") ? job["job"] : job;
}

std::string Lab::State(const std::string& name) {
  return Job(name).value("state", "JOB_STATE_UNSPECIFIED");
}

int Lab::EpochsDone(const std::string& name) {
  return Job(name).value("progress", nlohmann::json::object()).value("epoch", 0);
}

pid_t Lab::WorkerPid(const std::string& name) {
  const nlohmann::json attempts = Job(name).value("attempts", nlohmann::json::array());
  if (attempts.empty()) return -1;
  const pid_t pid = attempts.back().value("pid", -1);
  if (pid > 0) workers_.insert(pid);
  return pid;
}

void Lab::WhileStopped(const std::string& name, size_t attempt, const std::function<void()>& act) {
  const auto stands_still = [&] {
    const bool has_begun = Job(name).value("attempts", nlohmann::json::array()).size() == attempt;
    return has_begun && ProcessState(WorkerPid(name)) == 'T';
  };
  const auto has_ended = [&] {
    const std::string state = State(name);
    return state == "JOB_STATE_SUCCEEDED" || state == "JOB_STATE_FAILED";
  };
  Eventually(kLimit, [&] { return stands_still() || has_ended() || HasFailure(); });
  ASSERT_TRUE(stands_still()) << name << ", attempt " << attempt << ": " << Job(name).dump(2);
  act();
  ::kill(WorkerPid(name), SIGCONT);
}

void Lab::AwaitEpoch(const std::string& name, int epochs) {
  ASSERT_TRUE(Eventually(kLimit, [&] { return EpochsDone(name) >= epochs || HasFailure(); }));
  ASSERT_EQ(State(name), "JOB_STATE_RUNNING");
  ASSERT_GT(WorkerPid(name), 0);
}

void Lab::AwaitSuccess(const std::string& name) {
  const Finished waited = Ctl({"wait", "--timeout", "300s", name});
  EXPECT_EQ(waited.exit_code, 0) << waited.out << waited.err;
  EXPECT_EQ(State(name), "JOB_STATE_SUCCEEDED") << Job(name).dump(2);
}

std::filesystem::path Lab::RunDirectory(const std::string& name, size_t attempt) {
  return folder() / "state" / "runs" / Job(name).value("id", "") / std::to_string(attempt);
}

std::string Lab::TensorsOf(const std::string& name) {
  const size_t attempts = Job(name)["attempts"].size();
  const std::string bytes = Read(RunDirectory(name, attempts) / "last.safetensors");
  uint64_t header = 0;
  if (bytes.size() < sizeof(header)) return "";
  bytes.copy(reinterpret_cast<char*>(&header), sizeof(header));
  return bytes.substr(sizeof(header) + header);
}

std::vector<int> Lab::EpochsOf(const std::string& name, const std::string& metric) {
  std::istringstream lines(CtlOk({"metrics", name, "--name", metric, "--csv"}));
  std::string line;
  std::getline(lines, line);  // the header: name, epoch, …
  std::vector<int> epochs;
  while (std::getline(lines, line)) epochs.push_back(std::stoi(line.substr(line.find(',') + 1)));
  return epochs;
}

std::vector<int> CountTo(int count) {
  std::vector<int> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

bool IsRunning(pid_t pid) {
  const char state = ProcessState(pid);
  return state != '\0' && state != 'Z';
}

}  // namespace distill::testing
