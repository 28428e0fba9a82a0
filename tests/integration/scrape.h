#pragma once

#include <map>
#include <set>
#include <string>

namespace distill::testing {

/// What one scrape told.
struct Scrape {
  /// By name and labels in order of their names, e.g. `jobs{a="1",b="2"}`; `up` without labels.
  std::map<std::string, double> samples;
  /// The names of samples, and of families that have none.
  std::set<std::string> names;
  /// Lines that are neither comments nor samples.
  std::set<std::string> faults;
  std::string text;
};

/// Reads Prometheus's text format.
Scrape ParseScrape(const std::string& text);

}  // namespace distill::testing
