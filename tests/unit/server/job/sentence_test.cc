#include "server/job/sentence.h"

#include <gtest/gtest.h>

namespace distill::server {
namespace {

std::string Hidden(JobId) { return "a job of another member"; }

TEST(SentenceTest, NamesJobsByTheirNumbersToWhoMayKnowThem) {
  const Sentence sentence =
      "needs " + Sentence::Naming(7) + "; requeue " + Sentence::Naming(12) + " or cancel this one";

  EXPECT_EQ(sentence.Plain(), "needs job 7; requeue job 12 or cancel this one");
}

TEST(SentenceTest, NamesJobsToOthersAsTheyAreTold) {
  const Sentence sentence = Sentence::Naming(7) + " needs it, " + Sentence::Naming(12) + " too";

  EXPECT_EQ(sentence.Print([](JobId job) { return job == 7 ? "one" : "another"; }),
            "one needs it, another too");
}

TEST(SentenceTest, TextNamesNoJobWhateverItSays) {
  for (const std::string text :
       {"job 7", "(job 7) is \x1fjob 7\x1f", "\x1fjob 7", "\x1f\x1f", ""}) {
    std::string unmarked;
    for (const char c : text) {
      if (c != '\x1f') unmarked += c;
    }
    EXPECT_EQ(Sentence(text).Print(&Hidden), unmarked);
  }
}

TEST(SentenceTest, IsTheSameAfterItWasStored) {
  const Sentence sentence = "waits for " + Sentence::Naming(7) + ", which is RUNNING";

  EXPECT_EQ(Sentence::FromStored(sentence.stored()), sentence);
  EXPECT_EQ(Sentence::FromStored(sentence.stored()).Print(&Hidden),
            "waits for a job of another member, which is RUNNING");
  EXPECT_NE(sentence, Sentence("waits for job 7, which is RUNNING"));
}

TEST(SentenceTest, WhatIsStoredAndNoReferenceIsPrintedAsText) {
  for (const std::string broken :
       {"\x1f"
        "7\x1f",
        "\x1fjob x\x1f", "\x1fjob 7", "\x1f", "\x1fjob 99999999999999999999\x1f"}) {
    EXPECT_EQ(Sentence::FromStored("a " + broken + "b").Print(&Hidden).find('\x1f'),
              std::string::npos);
  }
  EXPECT_TRUE(Sentence::FromStored("").empty());
}

}  // namespace
}  // namespace distill::server
