#include "server/spec/class_map.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

namespace distill::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

auto ViolationAt(const std::string& field, const std::string& value) {
  return AllOf(Field("field", &FieldViolation::field, "teacher." + field),
               Field("value", &FieldViolation::value, HasSubstr(value)));
}

class ClassMapTest : public ::testing::Test {
 protected:
  ClassMapTest() {
    for (const char* name : {"crow", "jay", "gull"}) *dataset_.Add() = name;
    teacher_.set_file("teacher.pth");
  }

  void SetTeacherClasses(const std::vector<std::string>& names) {
    teacher_.clear_class_names();
    for (const std::string& name : names) teacher_.add_class_names(name);
  }

  void MapTo(const std::vector<std::pair<std::string, std::string>>& pairs) {
    teacher_.clear_class_map();
    for (const auto& [dataset_class, teacher_class] : pairs) {
      v1::ClassPair& pair = *teacher_.add_class_map();
      pair.set_dataset_class(dataset_class);
      pair.set_teacher_class(teacher_class);
    }
  }

  std::vector<FieldViolation> Resolve() {
    ViolationList violations;
    ResolveClassMap("teacher", dataset_, teacher_, violations);
    return violations.violations();
  }

  ClassNames dataset_;
  v1::Teacher teacher_;
};

TEST_F(ClassMapTest, EqualClassesNeedNoMap) {
  EXPECT_THAT(Resolve(), IsEmpty()) << "a file's classes are not known here";
  SetTeacherClasses({"crow", "jay", "gull"});

  EXPECT_THAT(Resolve(), IsEmpty());
  EXPECT_THAT(teacher_.class_outputs(), IsEmpty());
}

TEST_F(ClassMapTest, OtherClassesWithoutAMapAreRefusedWithTheFirstDifference) {
  SetTeacherClasses({"crow", "gull", "jay"});

  EXPECT_THAT(Resolve(), ElementsAre(AllOf(ViolationAt("class_names", "gull"),
                                           Field("remedy", &FieldViolation::remedy,
                                                 AllOf(HasSubstr("number 1 is gull and jay"),
                                                       HasSubstr("--teacher-class-map"))))));
}

TEST_F(ClassMapTest, NamesFindTheirOutputs) {
  SetTeacherClasses({"robin", "gull", "jay", "crow"});
  teacher_.set_match_class_names(true);

  EXPECT_THAT(Resolve(), IsEmpty());
  EXPECT_THAT(teacher_.class_outputs(), ElementsAre(3, 2, 1));
}

TEST_F(ClassMapTest, NamesThatTheTeacherLacksAreNamed) {
  SetTeacherClasses({"gull", "jay"});
  teacher_.set_match_class_names(true);

  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("match_class_names", "crow")));
}

TEST_F(ClassMapTest, PairsMayLeaveTheTeacherWithoutAClass) {
  SetTeacherClasses({"Larus", "Corvus"});
  MapTo({{"gull", "Larus"}, {"crow", "Corvus"}, {"jay", ""}});

  EXPECT_THAT(Resolve(), IsEmpty());
  EXPECT_THAT(teacher_.class_outputs(), ElementsAre(1, -1, 0));
}

TEST_F(ClassMapTest, EveryFaultOfAMapIsNamed) {
  SetTeacherClasses({"Larus", "Corvus"});

  MapTo({{"gull", "Larus"}, {"crow", "Corvus"}});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map", "jay")));
  MapTo({{"gull", "Larus"}, {"crow", "Korvus"}, {"jay", ""}});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map", "Korvus")));
  MapTo({{"gull", "Larus"}, {"crow", "Larus"}, {"jay", ""}});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map", "Larus")));
  MapTo({{"gull", "Larus"}, {"crow", ""}, {"jay", ""}, {"swan", "Corvus"}});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map", "swan")));
  MapTo({{"gull", ""}, {"crow", ""}, {"jay", ""}});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map", "")));
  MapTo({{"gull", "Larus"}, {"gull", "Corvus"}, {"crow", ""}, {"jay", ""}});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map[1].dataset_class", "gull")));
  teacher_.set_match_class_names(true);
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_map", "")));
}

TEST_F(ClassMapTest, AMapNeedsTheTeachersClasses) {
  teacher_.set_match_class_names(true);

  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_names", "")));
  SetTeacherClasses({"crow", "jay", "gull", "crow"});
  EXPECT_THAT(Resolve(), ElementsAre(ViolationAt("class_names", "crow")));
}

}  // namespace
}  // namespace distill::server
