// `distilld user` beside a daemon that runs: a second program that writes into its database.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <sys/syscall.h>

#include <atomic>
#include <sstream>
#include <thread>

#include "core/base/durable_file.h"
#include "distill/v1/user_service.grpc.pb.h"
#include "tests/crash/crash_lab.h"
#include "tests/crash/program.h"
#include "tests/eventually.h"
#include "tests/matchers/status_matchers.h"

namespace distill::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kNotAllowed = 4;  // exit code of distillctl
constexpr std::chrono::seconds kWait{60};

class Users : public CrashLab {
 protected:
  // Adds a user and returns the token.
  std::string AddUser(const std::string& name, bool is_admin = false) {
    const std::filesystem::path output = folder() / ("added-" + name);
    std::vector<std::string> arguments = {"user", "add", name};
    if (is_admin) arguments.emplace_back("--admin");
    EXPECT_EQ(Admin(arguments, output), 0) << ContentOf(output);
    // The note on standard error may stand before it.
    const std::string text = ContentOf(output);
    const size_t begin = text.find("dst_");
    return begin == std::string::npos ? "" : text.substr(begin, 4 + 64);
  }

  // Says how the daemon answers to a token.
  grpc::StatusCode AnswerTo(const std::string& token) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.AddMetadata("authorization", "Bearer " + token);
    v1::WhoAmIResponse response;
    return v1::UserService::NewStub(channel())->WhoAmI(&context, {}, &response).error_code();
  }

  std::string RunOne() {
    const auto job = Submit(TrainRequest(), "");
    EXPECT_THAT(job, IsOk());
    if (!job.ok()) return "";
    AwaitState(job->id(), v1::JOB_STATE_RUNNING);
    return job->id();
  }

  // What a distillctl with a user's token says and leaves with, once the user is removed while it
  // follows a job.
  std::pair<int, std::string> FollowUntilRemoved(const std::vector<std::string>& verb) {
    const std::string name = "eve-" + verb.front();
    const std::filesystem::path token = folder() / (name + ".token");
    const std::filesystem::path output = folder() / (name + ".out");
    EXPECT_OK(ReplaceFile(token, AddUser(name) + "\n"));
    std::vector<std::string> arguments = verb;
    arguments.insert(arguments.end(), {"--token-file", token.string()});
    int exit_code = -1;
    std::thread client([&] { exit_code = Ctl(arguments, output); });
    AwaitFile(output);
    EXPECT_EQ(Admin({"user", "remove", name}, folder() / "removed"), 0);
    client.join();
    return {exit_code, ContentOf(output)};
  }
};

// Whether a program that was started with `word` among its arguments sleeps for a time, as SQLite
// does between two looks at a lock.
bool Naps(const std::string& word) {
  const std::string argument = std::string(1, '\0') + word + std::string(1, '\0');
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    if (ContentOf(process.path() / "cmdline").find(argument) == std::string::npos) continue;
    long call = -1;
    std::istringstream(ContentOf(process.path() / "syscall")) >> call;
    if (call == SYS_nanosleep || call == SYS_clock_nanosleep) return true;
  }
  return false;
}

// Loads a daemon with submits until it is destroyed.
class Load {
 public:
  explicit Load(std::function<Status()> submit) {
    for (int index = 0; index < 4; ++index) {
      threads_.emplace_back([this, submit] {
        while (!is_over_) {
          const Status status = submit();
          if (status.ok()) {
            ++num_done_;
          } else {
            EXPECT_OK(status);
            return;
          }
        }
      });
    }
  }
  ~Load() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  int num_done() const { return num_done_; }

 private:
  std::atomic<bool> is_over_ = false;
  std::atomic<int> num_done_ = 0;
  std::vector<std::thread> threads_;
};

TEST_F(Users, AreChangedBesideADaemonUnderLoadAndItSeesThatAtOnce) {
  AddArguments({"--max-submits-per-minute", "0"});
  SetScript("started;burst 1 100000;wait go");
  ASSERT_TRUE(StartDaemon());
  set_token(AddUser("root", true));
  RunOne();  // a worker whose journal is read all the while
  int num_submitted = 0;
  {
    Load load([this] { return Submit(TrainRequest(), "").status(); });
    for (int round = 0; round < 10; ++round) {
      const std::string name = "user-" + std::to_string(round);
      const int before = load.num_done();
      const std::string token = AddUser(name);
      EXPECT_EQ(AnswerTo(token), grpc::StatusCode::OK);
      ASSERT_EQ(Admin({"user", "revoke", name}, folder() / "revoked"), 0);
      EXPECT_EQ(AnswerTo(token), grpc::StatusCode::UNAUTHENTICATED);
      ASSERT_EQ(Admin({"user", "list"}, folder() / "listed"), 0);
      ASSERT_EQ(Admin({"user", "remove", name}, folder() / "removed"), 0);
      EXPECT_TRUE(Eventually(kWait, [&] { return load.num_done() > before; }));
    }
    num_submitted = load.num_done();
  }
  EXPECT_GE(num_submitted, 10);
  EXPECT_THAT(ContentOf(folder() / "listed"), HasSubstr("user-9\tuser"));

  EXPECT_EQ(Admin({"doctor"}, folder() / "doctor"), 0) << ContentOf(folder() / "doctor");
  ASSERT_EQ(EndDaemon(SIGKILL), 128 + SIGKILL);
  ASSERT_TRUE(StartDaemon());
  EXPECT_EQ(Trouble(), "");
  EXPECT_GE(ListAll()->size(), static_cast<size_t>(num_submitted));
}

TEST_F(Users, OfManyProgramsAtOnceAreAllAdded) {
  ASSERT_TRUE(StartDaemon());
  set_token(AddUser("root", true));
  constexpr int kPrograms = 8;
  std::vector<std::string> tokens(kPrograms);
  std::vector<std::thread> programs;
  for (int index = 0; index < kPrograms; ++index) {
    programs.emplace_back([this, index, &token = tokens[static_cast<size_t>(index)]] {
      token = AddUser("user-" + std::to_string(index));
    });
  }
  for (std::thread& program : programs) program.join();

  for (const std::string& token : tokens) EXPECT_EQ(AnswerTo(token), grpc::StatusCode::OK);
}

TEST_F(Users, WaitForAWriterThatHoldsTheDatabase) {
  ASSERT_TRUE(StartDaemon());
  set_token(AddUser("root", true));
  SQLite::Database control((state() / "control.db").string(), SQLite::OPEN_READWRITE);
  control.exec("BEGIN IMMEDIATE");
  std::string token;
  std::atomic<bool> has_ended = false;
  std::thread program([&] {
    token = AddUser("user-that-waits");
    has_ended = true;
  });
  EXPECT_TRUE(Eventually(kWait, [&] { return Naps("user-that-waits") || has_ended; }));
  EXPECT_FALSE(has_ended);
  // Reads go on meanwhile, of a user that is not there yet too.
  EXPECT_EQ(AnswerTo("dst_" + std::string(64, '0')), grpc::StatusCode::UNAUTHENTICATED);

  control.exec("COMMIT");
  program.join();

  EXPECT_EQ(AnswerTo(token), grpc::StatusCode::OK);
}

TEST_F(Users, ThatAreRemovedEndTheirClientsWithTheRemedy) {
  SetScript("started;print hello;wait go;outcome 8 0");
  ASSERT_TRUE(StartDaemon());
  set_token(AddUser("root", true));
  const std::string job = RunOne();

  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"watch", job}, {"logs", "-f", job}}) {
    const auto [exit_code, output] = FollowUntilRemoved(verb);
    EXPECT_EQ(exit_code, kNotAllowed) << verb.front();
    EXPECT_THAT(output, HasSubstr("distillctl login")) << verb.front();
  }
}

}  // namespace
}  // namespace distill::testing
