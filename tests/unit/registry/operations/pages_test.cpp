// SPDX-License-Identifier: Apache-2.0
// Pages of what may be many: they follow each other without a gap and without anything twice.
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Pages : public RegistryTest {
 protected:
  std::vector<std::string> enrollments(bool group, const std::string& after, std::size_t limit,
                                       std::string* following) {
    const auto page = must(registry->enrollments_after(group, after, limit));
    std::vector<std::string> ids;
    for (const auto& one : page.enrollments) ids.push_back(one.id);
    *following = page.next;
    return ids;
  }
  std::vector<std::string> registrations(const Uuid& enrollment, const std::string& after, std::size_t limit,
                                         std::string* following) {
    const auto page = must(registry->registrations_after(enrollment, after, limit));
    std::vector<std::string> ids;
    for (const auto& one : page.registrations) ids.push_back(one.registration_id);
    *following = page.next;
    return ids;
  }
  std::string next;
};

TEST_F(Pages, enrollments_follow_each_other_without_regard_to_case) {
  make_factory();
  for (const char* id : {"b", "A", "d", "C"}) make_enrollment(id);
  make_enrollment("aa", "alpha", true);
  EXPECT_THAT(enrollments(false, "", 3, &next), ElementsAre("A", "b", "C"));
  EXPECT_EQ(next, "C");
  EXPECT_THAT(enrollments(false, next, 3, &next), ElementsAre("d"));
  EXPECT_EQ(next, "");
  EXPECT_THAT(enrollments(true, "", 3, &next), ElementsAre("aa"));
  EXPECT_THAT(enrollments(true, "aa", 3, &next), IsEmpty());
}

TEST_F(Pages, page_that_is_just_full_is_the_last_one) {
  make_factory();
  for (const char* id : {"a", "b"}) make_enrollment(id);
  EXPECT_THAT(enrollments(false, "", 2, &next), ElementsAre("a", "b"));
  EXPECT_EQ(next, "");
}

TEST_F(Pages, nobody_gets_none_or_more_than_a_thousand) {
  make_factory();
  for (const char* id : {"a", "b"}) make_enrollment(id);
  EXPECT_EQ(enrollments(false, "", 0, &next).size(), 1u);
  EXPECT_EQ(next, "a");
  EXPECT_EQ(enrollments(false, "", 100'000, &next).size(), 2u);
}

TEST_F(Pages, registrations_are_those_of_the_enrollment_that_is_asked_for) {
  make_factory();
  const auto one = make_enrollment("one", "alpha", true);
  const auto other = make_enrollment("other", "alpha", true);
  for (const char* id : {"c", "a", "B"}) ASSERT_TRUE(enroll(id, one, false));
  ASSERT_TRUE(enroll("ab", other, false));
  EXPECT_THAT(registrations(one.uuid, "", 2, &next), ElementsAre("a", "B"));
  EXPECT_EQ(next, "B");
  EXPECT_THAT(registrations(one.uuid, next, 2, &next), ElementsAre("c"));
  EXPECT_EQ(next, "");
  EXPECT_THAT(registrations(other.uuid, "", 2, &next), ElementsAre("ab"));
  EXPECT_THAT(registrations(Uuid{}, "", 2, &next), IsEmpty());
}

}  // namespace
}  // namespace latchkey::registry
