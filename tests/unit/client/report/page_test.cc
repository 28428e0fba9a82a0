#include "client/report/page.h"

#include <gmock/gmock.h>

#include "tests/unit/client/report/sample_report.h"

namespace distill::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SampleReport;

TEST(ReportPageTest, NothingThatAUserTypedBecomesMarkup) {
  const std::string page = ReportPage(SampleReport("\"><script>alert(1)</script>&'"));

  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("teacher&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;"));
}

TEST(ReportPageTest, NothingIsLoadedFromOutside) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_THAT(page, AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("http://")),
                          Not(HasSubstr("https://")), Not(HasSubstr("url("))));
}

TEST(ReportPageTest, TheLineageNamesDataTeacherSeedWeightsAndVersions) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_THAT(page,
              AllOf(HasSubstr("feedbeef"), HasSubstr("<th>teacher</th><td>teacher</td>"),
                    HasSubstr("<th>seed</th><td>42</td>"), HasSubstr("SHA-256 cafe01"),
                    HasSubstr("<th>initial weights</th><td>random</td>"),
                    HasSubstr("<th>distilld</th><td>1.2.3</td>"), HasSubstr("<td>1.13.1</td>"),
                    HasSubstr("&quot;seed&quot;: &quot;42&quot;")));
}

TEST(ReportPageTest, EachWarningOfItsRunsStandsOnceAndNoOtherNotice) {
  const std::string page = ReportPage(SampleReport("<b>"));

  const std::string warning = "<h4>Warnings</h4>\n<ul>\n<li>hardly teaches&lt;b&gt;</li>\n</ul>";
  EXPECT_THAT(page, AllOf(HasSubstr(warning), Not(HasSubstr("3 classes"))));
}

TEST(ReportPageTest, CurvesOfAllJobsShareOneChartForEachFigure) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_THAT(page, AllOf(HasSubstr("aria-label=\"Learning rate\""),
                          HasSubstr("teacher train/learning_rate"),
                          HasSubstr("student train/learning_rate")));
}

TEST(ReportPageTest, TheTableIsThatOfTheTableVerb) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_THAT(page, HasSubstr("<td class=\"text\">  student</td><td class=\"text\">resnet18</td>"
                              "<td class=\"text\">mgd</td>"));
  EXPECT_THAT(page, HasSubstr("<td class=\"n\">0.8125</td>"));
}

TEST(ReportPageTest, AWrongPictureHasItsLabelsAndItsScores) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_THAT(page, HasSubstr("70 of 50 images were taken for another class; the 6 that"));
  EXPECT_THAT(page,
              HasSubstr("<b>class 0</b> 0.01<br>taken for <b class=\"bad\">class 1</b> 0.98"));
  EXPECT_THAT(page, HasSubstr("src=\"data:image/jpeg;base64,/9j/4AAQ"));
  EXPECT_THAT(page, HasSubstr("no picture"));
}

TEST(ReportPageTest, AnEvaluationWithoutRecordedPicturesSaysSo) {
  EXPECT_THAT(ReportPage(SampleReport("")), HasSubstr("Not recorded: evaluate the job again"));
}

TEST(ReportPageTest, ClassesStandWorstFirst) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_LT(page.find("<td>class 4</td>"), page.find("<td>class 3</td>"));
}

TEST(ReportPageTest, AMatrixOfFewClassesHasNumbersAndOneOfManyIsDrawn) {
  const std::string page = ReportPage(SampleReport(""));

  EXPECT_THAT(page, HasSubstr("<td class=\"wrong\" style=\"--share:0.200\">2</td>"));
  EXPECT_THAT(page, HasSubstr("<title>class 0 taken for class 1: 2</title>"));
  EXPECT_THAT(page, HasSubstr("viewBox=\"0 0 40 40\""));
}

TEST(ReportPageTest, AJobWithoutAnythingYetIsAPageToo) {
  Report report;
  report.jobs.emplace_back().job.set_name("new");

  EXPECT_THAT(ReportPage(report), AllOf(HasSubstr("No points yet"), HasSubstr("Not evaluated yet"),
                                        Not(HasSubstr("Warnings"))));
}

}  // namespace
}  // namespace distill::client
