#include <gmock/gmock.h>
#include <re2/re2.h>
#include <yaml-cpp/yaml.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "server/app/daemon.h"
#include "server/store/sqlite_job_store.h"
#include "tests/eventually.h"
#include "tests/fakes/birds_dataset.h"
#include "tests/integration/http_client.h"
#include "tests/integration/scrape.h"
#include "tests/integration/test_server.h"
#include "tests/matchers/status_matchers.h"
#include "tests/raw_call.h"

namespace distill::server {
namespace {

using testing::CallRaw;
using ::testing::Contains;
using ::testing::Gt;
using ::testing::HasSubstr;
using testing::HttpGet;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Scrape;

std::string ReadText(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// The whole daemon in this process, with a scripted worker.
class MetricsEndpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.listen = "127.0.0.1:0";
    config_.metrics_listen = "127.0.0.1:0";
    config_.state_dir = folder_.path() / "state";
    config_.dataset_roots = {folder_.path()};
    config_.weights_roots = {folder_.path()};
    config_.weights_dir = folder_.path();
    config_.worker_executable = DISTILL_FAKE_WORKER;
    config_.worker_threads = 1;
    config_.devices = {"cpu"};
    SqliteJobStoreOptions options;
    options.state_directory = config_.state_dir;
    ASSERT_OK(testing::AddBirds(*OpenSqliteJobStore(options, SystemClock()).value()));
    const std::filesystem::path manifest = config_.state_dir / "datasets/1/manifest.csv";
    std::filesystem::create_directories(manifest.parent_path());
    std::ofstream(manifest) << "path,class,split\n";
  }

  void StartDaemon() {
    auto daemon = Daemon::Start(config_, SystemClock());
    ASSERT_TRUE(daemon.ok()) << daemon.status();
    daemon_ = std::move(daemon).value();
    jobs_ = v1::JobService::NewStub(
        grpc::CreateChannel(daemon_->address(), grpc::InsecureChannelCredentials()));
  }

  // Submits a job and waits until its worker has let it succeed.
  void RunJob(const std::string& name) {
    v1::CreateJobRequest request;
    *request.mutable_job() = MakeTrainJob(name);
    v1::Job job;
    const grpc::Status created = jobs_->CreateJob(Context().get(), request, &job);
    ASSERT_TRUE(created.ok()) << created.error_message();
    v1::GetJobRequest get;
    get.set_job(name);
    ASSERT_TRUE(testing::Eventually(kDeadline, [&] {
      return jobs_->GetJob(Context().get(), get, &job).ok() &&
             job.state() == v1::JOB_STATE_SUCCEEDED;
    })) << job.ShortDebugString();
  }

  int MetricsPort() const {
    const std::string& address = daemon_->metrics_address();
    return std::stoi(address.substr(address.rfind(':') + 1));
  }

  Scrape TakeScrape() {
    const testing::HttpAnswer answer = HttpGet(MetricsPort(), "/metrics");
    EXPECT_EQ(answer.status, 200);
    return testing::ParseScrape(answer.body);
  }

  testing::TempDir folder_;
  Config config_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

TEST_F(MetricsEndpointTest, AScrapeTellsWhatAJobDid) {
  StartDaemon();
  RunJob("kingfisher");
  v1::GetJobRequest unknown;
  unknown.set_job("nobody");
  v1::Job job;
  EXPECT_FALSE(jobs_->GetJob(Context().get(), unknown, &job).ok());

  const Scrape scrape = TakeScrape();

  EXPECT_THAT(scrape.faults, IsEmpty());
  const std::map<std::string, double> expected = {
      {R"(distilld_jobs{state="SUCCEEDED"})", 1},
      {R"(distilld_jobs{state="QUEUED"})", 0},
      {R"(distilld_oldest_queued_seconds)", 0},
      {R"(distilld_active_users)", 0},
      {R"(distilld_job_transitions_total{cause="NONE",to="QUEUED"})", 1},
      {R"(distilld_job_transitions_total{cause="NONE",to="STARTING"})", 1},
      {R"(distilld_job_transitions_total{cause="NONE",to="RUNNING"})", 1},
      {R"(distilld_job_transitions_total{cause="NONE",to="SUCCEEDED"})", 1},
      {R"(distilld_rpc_duration_seconds_count{code="OK",method="CreateJob"})", 1},
      {R"(distilld_rpc_duration_seconds_bucket{code="OK",le="+Inf",method="CreateJob"})", 1},
      {R"(distilld_rpc_duration_seconds_count{code="NOT_FOUND",method="GetJob"})", 1},
      {R"(distilld_worker_starts_total{kind="job",result="started"})", 1},
      {R"(distilld_worker_exits_total{kind="job",result="ok"})", 1},
      {R"(distilld_device_busy{device="cpu",)", 0},
      {R"(distilld_store_write_failures_total{code="RESOURCE_EXHAUSTED",database="control"})", 0},
  };
  for (const auto& [series, value] : expected) {
    const auto found = scrape.samples.lower_bound(series);
    ASSERT_TRUE(found != scrape.samples.end() && found->first.rfind(series, 0) == 0) << series;
    EXPECT_EQ(found->second, value) << series;
  }
  for (const char* const series :
       {"distilld_journal_events_total", "distilld_disk_free_bytes", "distilld_disk_size_bytes",
        R"(distilld_store_write_duration_seconds_count{database="control"})",
        R"(distilld_store_write_duration_seconds_count{database="metrics"})",
        "process_start_time_seconds", "process_resident_memory_bytes", "process_open_fds"}) {
    EXPECT_THAT(scrape.samples, Contains(::testing::Pair(series, Gt(0)))) << scrape.text;
  }
  EXPECT_THAT(scrape.text, HasSubstr("distilld_build_info{"));
}

TEST_F(MetricsEndpointTest, NoLabelHoldsAJobOrAUser) {
  StartDaemon();
  RunJob("kingfisher");
  const size_t before = TakeScrape().samples.size();

  RunJob("nightingale");

  const Scrape scrape = TakeScrape();
  EXPECT_EQ(scrape.samples.size(), before);
  for (const char* const word : {"kingfisher", "nightingale", "ada", "birds"}) {
    EXPECT_THAT(scrape.text, Not(HasSubstr("\"" + std::string(word)))) << word;
  }
}

TEST_F(MetricsEndpointTest, CallsOfMethodsThatAreNotThereAreOneSeries) {
  StartDaemon();
  const auto channel = grpc::CreateChannel(daemon_->address(), grpc::InsecureChannelCredentials());
  const std::vector<std::string> made_up = {
      "/distill.v1.JobService/Kingfisher", "/distill.v1.Nightingale/GetJob",
      "/distill.v1.JobService/GetJob/Kingfisher", "/nightingale.Service/Method", "/Kingfisher"};

  for (const std::string& path : made_up) {
    std::string response;
    EXPECT_EQ(CallRaw(channel, Context(), path, {}, response).error_code(),
              grpc::StatusCode::UNIMPLEMENTED)
        << path;
  }

  const Scrape scrape = TakeScrape();
  EXPECT_THAT(scrape.text,
              HasSubstr("distilld_rpc_streams_total{code=\"UNIMPLEMENTED\",method=\"unknown\"} 5"));
  EXPECT_THAT(scrape.text, Not(HasSubstr("ingfisher")));
  EXPECT_THAT(scrape.text, Not(HasSubstr("ightingale")));
  EXPECT_THAT(scrape.text, Not(HasSubstr("method=\"GetJob\"")));
}

TEST_F(MetricsEndpointTest, ClientsThatSendHalfARequestDoNotHoldItUp) {
  StartDaemon();
  std::vector<FileDescriptor> slow;
  for (int i = 0; i < 30; ++i) {
    slow.push_back(testing::ConnectTo(MetricsPort()));
    ASSERT_GE(slow.back().get(), 0);
    ASSERT_EQ(::send(slow.back().get(), "GET /met", 8, MSG_NOSIGNAL), 8);
  }

  EXPECT_EQ(HttpGet(MetricsPort(), "/metrics").status, 200);
}

TEST_F(MetricsEndpointTest, EveryMetricOfDashboardAndAlertsExists) {
  StartDaemon();
  RunJob("kingfisher");
  const Scrape scrape = TakeScrape();
  const std::filesystem::path deploy = DISTILL_DEPLOY;

  const RE2 name("((?:distilld|process)_[a-z_]+)");
  for (const std::filesystem::path& file :
       {deploy / "grafana/distilld.json", deploy / "prometheus/alerts.yaml"}) {
    const std::string text = ReadText(file);
    size_t count = 0;
    re2::StringPiece rest(text);
    for (std::string found; RE2::FindAndConsume(&rest, name, &found); ++count) {
      EXPECT_THAT(scrape.names, Contains(found)) << file;
    }
    EXPECT_GT(count, 5U) << file;
  }
}

TEST_F(MetricsEndpointTest, DashboardAndAlertsAreWholeFiles) {
  const std::filesystem::path deploy = DISTILL_DEPLOY;
  const nlohmann::json dashboard =
      nlohmann::json::parse(ReadText(deploy / "grafana/distilld.json"), nullptr, false);
  ASSERT_TRUE(dashboard.is_object());
  for (const nlohmann::json& panel : dashboard["panels"]) {
    ASSERT_FALSE(panel["targets"].empty()) << panel["title"];
    for (const nlohmann::json& target : panel["targets"]) {
      EXPECT_FALSE(target["expr"].get<std::string>().empty()) << panel["title"];
    }
  }

  const YAML::Node rules = YAML::LoadFile(deploy / "prometheus/alerts.yaml")["groups"][0]["rules"];
  EXPECT_GT(rules.size(), 5U);
  for (const YAML::Node& rule : rules) {
    const std::string alert = rule["alert"].as<std::string>("");
    EXPECT_FALSE(alert.empty());
    EXPECT_FALSE(rule["expr"].as<std::string>("").empty()) << alert;
    EXPECT_FALSE(rule["labels"]["severity"].as<std::string>("").empty()) << alert;
    EXPECT_FALSE(rule["annotations"]["summary"].as<std::string>("").empty()) << alert;
  }
}

TEST_F(MetricsEndpointTest, AnAddressThatCannotBeHadStopsTheStart) {
  StartDaemon();
  Config second = config_;
  second.state_dir = folder_.path() / "second";
  second.metrics_listen = daemon_->metrics_address();

  const auto started = Daemon::Start(second, SystemClock());

  EXPECT_EQ(started.status().code(), Code::kUnavailable);
  EXPECT_THAT(started.status().message(), HasSubstr(daemon_->metrics_address()));
}

TEST_F(MetricsEndpointTest, ThereIsNoEndpointUnlessAskedFor) {
  config_.metrics_listen = "";
  StartDaemon();

  EXPECT_EQ(daemon_->metrics_address(), "");
  EXPECT_FALSE(std::filesystem::exists(config_.state_dir / "distilld.metrics_address"));
}

}  // namespace
}  // namespace distill::server
