#include "server/access/audit_log.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/eventually.h"
#include "tests/fakes/fake_access_store.h"
#include "tests/fakes/fake_clock.h"

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::SizeIs;

constexpr std::chrono::seconds kDeadline{20};

AuditRecord Record(std::string method) {
  AuditRecord record;
  record.method = std::move(method);
  return record;
}

auto Method(const std::string& name) { return Field(&AuditRecord::method, name); }

class AuditLogTest : public ::testing::Test {
 protected:
  testing::FakeAccessStore store_;
  testing::FakeClock clock_;
};

TEST_F(AuditLogTest, ActionIsStoredWhenTheCallReturns) {
  AuditLog log({}, store_, clock_);

  log.RecordAction(Record("CancelJob"));

  EXPECT_THAT(store_.audit(), Contains(Method("CancelJob")));
}

TEST_F(AuditLogTest, NoActionIsLostOrDoubledUnderManyThreads) {
  AuditLog log({}, store_, clock_);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) log.RecordAction(Record("PauseJob"));
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_THAT(store_.audit(), SizeIs(400));
}

TEST_F(AuditLogTest, FailedWriteHoldsNobodyUp) {
  AuditLog log({}, store_, clock_);
  store_.FailAudit({Code::kResourceExhausted, "the disk is full"});

  log.RecordAction(Record("CancelJob"));

  EXPECT_THAT(store_.audit(), SizeIs(0));
}

TEST_F(AuditLogTest, RefusalsAreWrittenSoonAndAtTheLatestAtTheEnd) {
  AuditLog log({}, store_, clock_);
  log.RecordFailure(Record("GetJob"));

  EXPECT_TRUE(testing::Eventually(kDeadline, [&] { return store_.audit().size() == 1; }));
  log.RecordFailure(Record("ListJobs"));
  log.Stop();
  EXPECT_THAT(store_.audit(), SizeIs(2));
}

TEST_F(AuditLogTest, FloodOfRefusalsIsCountedInsteadOfListed) {
  AuditLogOptions options;
  options.max_failures_per_minute = 10;
  AuditLog log(options, store_, clock_);
  for (int i = 0; i < 1000; ++i) log.RecordFailure(Record("GetJob"));
  clock_.Advance(std::chrono::minutes(1));

  log.RecordFailure(Record("GetJob"));
  log.Stop();

  EXPECT_THAT(store_.audit(), SizeIs(12));
  EXPECT_THAT(
      store_.audit(),
      Contains(AllOf(Method("*"), Field(&AuditRecord::message,
                                        "calls not listed that were refused or failed: 990"))));
}

TEST_F(AuditLogTest, OldRecordsAreDroppedByTheDaysToKeep) {
  AuditLogOptions options;
  options.keep_days = 2;
  AuditLog log(options, store_, clock_);

  log.RecordAction(Record("CancelJob"));

  EXPECT_TRUE(testing::Eventually(kDeadline, [&] {
    return store_.pruned_before() == clock_.UnixMillis() - int64_t{2} * 24 * 3600 * 1000;
  }));
}

}  // namespace
}  // namespace distill::server
