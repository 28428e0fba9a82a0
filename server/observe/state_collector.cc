#include "server/observe/state_collector.h"

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <system_error>
#include <utility>

#include "core/base/log.h"

namespace distill::server {
namespace {

using Families = std::vector<prometheus::MetricFamily>;
using Label = prometheus::ClientMetric::Label;

constexpr double kMillisPerSecond = 1000;
constexpr double kPercent = 100;

// Puts gauges together, a family at a time.
class Gauges {
 public:
  explicit Gauges(Families& families) : families_(families) {}

  Gauges& Family(const char* name, const char* help) {
    families_.push_back({name, help, prometheus::MetricType::Gauge, {}});
    return *this;
  }

  Gauges& Add(double value, std::vector<Label> labels = {}) {
    prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = value;
    return *this;
  }

 private:
  Families& families_;
};

void AddJobs(const JobCounts& counts, int64_t now_unix_ms, Families& families) {
  Gauges gauges(families);
  gauges.Family("distilld_jobs", "Jobs, by state.");
  for (int state = static_cast<int>(JobState::kQueued);
       state <= static_cast<int>(JobState::kCancelled); ++state) {
    const auto found = counts.by_state.find(static_cast<JobState>(state));
    gauges.Add(found == counts.by_state.end() ? 0 : static_cast<double>(found->second),
               {{"state", std::string(StateName(static_cast<JobState>(state)))}});
  }
  const int64_t since = counts.oldest_queued_at_unix_ms;
  const int64_t age_ms = since == 0 ? 0 : std::max<int64_t>(0, now_unix_ms - since);
  gauges.Family("distilld_oldest_queued_seconds", "How long the first job in the queue has waited.")
      .Add(static_cast<double>(age_ms) / kMillisPerSecond);
  gauges.Family("distilld_active_users", "Users with a job that has not ended.")
      .Add(static_cast<double>(counts.num_active_owners));
}

void AddDeviceGauge(const std::vector<DeviceUse>& devices, const char* name, const char* help,
                    double (*value)(const DeviceUse&), Families& families) {
  Gauges gauges(families);
  gauges.Family(name, help);
  for (const DeviceUse& use : devices) {
    const double figure = value(use);
    if (figure < 0) continue;  // not known
    gauges.Add(figure, {{"device", use.device.id}, {"name", use.device.name}});
  }
}

void AddDeviceMemory(const std::vector<DeviceUse>& devices, Families& families) {
  AddDeviceGauge(
      devices, "distilld_device_memory_total_bytes", "The device's memory.",
      [](const DeviceUse& use) { return static_cast<double>(use.device.memory_total_bytes); },
      families);
  AddDeviceGauge(
      devices, "distilld_device_memory_used_bytes", "Memory in use on the device, by anybody.",
      [](const DeviceUse& use) { return static_cast<double>(use.device.memory_used_bytes); },
      families);
  AddDeviceGauge(
      devices, "distilld_device_memory_foreign_bytes", "Memory in use by other programs.",
      [](const DeviceUse& use) { return static_cast<double>(use.device.foreign_memory_bytes); },
      families);
}

void AddDevices(const std::vector<DeviceUse>& devices, Families& families) {
  AddDeviceGauge(
      devices, "distilld_device_busy", "1 while a job runs on the device.",
      [](const DeviceUse& use) { return use.holders.empty() ? 0.0 : 1.0; }, families);
  AddDeviceGauge(
      devices, "distilld_device_closed", "1 while the device takes no new jobs.",
      [](const DeviceUse& use) { return use.device.closed_because.empty() ? 0.0 : 1.0; }, families);
  AddDeviceGauge(
      devices, "distilld_device_utilization_ratio", "Share of time that the device computed.",
      [](const DeviceUse& use) { return use.device.utilization_percent / kPercent; }, families);
  AddDeviceGauge(
      devices, "distilld_device_temperature_celsius", "Temperature of the device.",
      [](const DeviceUse& use) { return static_cast<double>(use.device.temperature_celsius); },
      families);
  AddDeviceMemory(devices, families);
}

void AddDisk(const std::filesystem::path& folder, Families& families) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return;
  const auto block = static_cast<double>(disk.f_frsize);
  Gauges(families)
      .Family("distilld_disk_free_bytes", "Free space for the state folder.")
      .Add(block * static_cast<double>(disk.f_bavail))
      .Family("distilld_disk_size_bytes", "Size of the file system of the state folder.")
      .Add(block * static_cast<double>(disk.f_blocks));
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double total_pages = 0;
  double resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

int64_t NumOpenFiles() {
  std::error_code error;
  int64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  return count;
}

double Seconds(const timeval& time) {
  constexpr double kMicrosPerSecond = 1e6;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / kMicrosPerSecond;
}

// The names that Prometheus's own clients use.
void AddProcess(int64_t started_at_unix_ms, Families& families) {
  Gauges(families)
      .Family("process_start_time_seconds", "When the daemon started, in seconds since 1970.")
      .Add(static_cast<double>(started_at_unix_ms) / kMillisPerSecond)
      .Family("process_resident_memory_bytes", "Memory of the daemon itself.")
      .Add(ResidentBytes())
      .Family("process_open_fds", "Open files and connections of the daemon.")
      .Add(static_cast<double>(NumOpenFiles()));
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return;
  prometheus::MetricFamily cpu{"process_cpu_seconds_total",
                               "Processor time of the daemon itself.",
                               prometheus::MetricType::Counter,
                               {}};
  cpu.metric.emplace_back().counter.value = Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
  families.push_back(std::move(cpu));
}

}  // namespace

Families StateCollector::Collect() const {
  Families families;
  Gauges(families)
      .Family("distilld_build_info", "1; the labels tell the versions.")
      .Add(1, {{"sqlite", sources_.sqlite_version}, {"version", sources_.version}});
  const auto counts = sources_.store.CountJobs();
  // The health of the store has counters of its own; here it is enough to say so at debug level.
  if (counts.ok()) {
    AddJobs(*counts, sources_.clock.UnixMillis(), families);
  } else {
    LogDebug("jobs not counted", {{"error", counts.status().ToString()}});
  }
  AddDevices(sources_.manager.ListDevices(), families);
  AddDisk(sources_.state_directory, families);
  AddProcess(started_at_unix_ms_, families);
  return families;
}

}  // namespace distill::server
