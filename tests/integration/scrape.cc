#include "tests/integration/scrape.h"

#include <re2/re2.h>

#include <sstream>

namespace distill::testing {
namespace {

// `{b="2",a="1"}` -> `{a="1",b="2"}`.
std::string InOrder(const std::string& labels) {
  static const RE2 label(R"re(([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)")re");
  std::map<std::string, std::string> pairs;
  re2::StringPiece rest(labels);
  std::string key;
  std::string content;
  while (RE2::FindAndConsume(&rest, label, &key, &content)) pairs[key] = content;
  std::string text;
  for (const auto& [name, value] : pairs) {
    text += (text.empty() ? "" : ",") + name + "=\"" + value + "\"";
  }
  return text.empty() ? "" : "{" + text + "}";
}

}  // namespace

Scrape ParseScrape(const std::string& text) {
  static const RE2 sample(R"(([a-zA-Z_:][\w:]*)(\{.*\})? ([-+.\w]+)(?: \d+)?)");
  static const RE2 type(R"(# TYPE (\S+) (?:counter|gauge|histogram|summary))");
  Scrape scrape;
  scrape.text = text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::string name;
    std::string labels;
    std::string value;
    if (RE2::FullMatch(line, sample, &name, &labels, &value)) {
      scrape.names.insert(name);
      scrape.samples[name + InOrder(labels)] = std::strtod(value.c_str(), nullptr);
    } else if (RE2::FullMatch(line, type, &name)) {
      scrape.names.insert(name);
    } else if (line.rfind("# HELP ", 0) != 0) {
      scrape.faults.insert(line);
    }
  }
  return scrape;
}

}  // namespace distill::testing
