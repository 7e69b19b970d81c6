// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/operations/registry_fixture.h"

namespace latchkey::registry {
namespace {

class Namespaces : public RegistryTest {};

TEST_F(Namespaces, created_namespace_is_found_and_listed_by_name) {
  ASSERT_TRUE(registry->create_namespace(call, "zeta"));
  auto made = registry->create_namespace(call, "alpha");
  ASSERT_TRUE(made);
  expect_audit("namespace.create", "namespaces/alpha", "ok");
  EXPECT_EQ(registry->find_namespace("alpha")->uuid, made->value.uuid);
  auto all = registry->list_namespaces();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->front().name, "alpha");
}

// Rows: R-1-01
TEST_F(Namespaces, names_at_the_limits_are_accepted) {
  for (const std::string& name : {std::string("abc"), std::string("0-9"), std::string(64, 'a')}) {
    EXPECT_TRUE(registry->create_namespace(call, name)) << name;
  }
}

// Rows: R-1-01
TEST_F(Namespaces, names_that_break_the_rule_are_refused) {
  for (const std::string& name : {std::string(), std::string("ab"), std::string(65, 'a'), std::string("Abc"),
                                  std::string("-abc"), std::string("abc-"), std::string("a_c"), std::string("a/c")}) {
    EXPECT_REFUSED(registry->create_namespace(call, name), Reason::kInvalidName);
  }
  EXPECT_TRUE(registry->list_namespaces()->empty());
}

TEST_F(Namespaces, second_of_a_name_is_refused_and_audited) {
  ASSERT_TRUE(registry->create_namespace(call, "abc"));
  EXPECT_REFUSED(registry->create_namespace(call, "abc"), Reason::kAlreadyExists);
  expect_audit("namespace.create", "namespaces/abc", "already exists");
}

TEST_F(Namespaces, names_compare_exactly) {
  ASSERT_TRUE(registry->create_namespace(call, "abc"));
  EXPECT_REFUSED(registry->find_namespace("ABC"), Reason::kNotFound);
}

// Rows: R-4-01
TEST_F(Namespaces, empty_one_is_deleted_and_its_name_free_with_a_new_uuid) {
  auto first = registry->create_namespace(call, "abc");
  ASSERT_TRUE(registry->delete_namespace(call, "abc"));
  expect_audit("namespace.delete", "namespaces/abc", "ok");
  EXPECT_REFUSED(registry->find_namespace("abc"), Reason::kNotFound);
  auto second = registry->create_namespace(call, "abc");
  ASSERT_TRUE(second);
  EXPECT_NE(first->value.uuid, second->value.uuid);
}

TEST_F(Namespaces, missing_one_is_not_deleted) {
  EXPECT_REFUSED(registry->delete_namespace(call, "abc"), Reason::kNotFound);
  expect_audit("namespace.delete", "namespaces/abc", "not found");
}

TEST_F(Namespaces, whatever_is_in_it_keeps_it) {
  ASSERT_TRUE(registry->create_namespace(call, kNs));
  ASSERT_TRUE(registry->create_device(call, kNs, "dev"));
  EXPECT_REFUSED(registry->delete_namespace(call, kNs), Reason::kNamespaceNotEmpty);
  ASSERT_TRUE(registry->delete_device(call, kNs, "dev"));

  ASSERT_TRUE(registry->create_enrollment(call, enrollment_form("e", "")));
  EXPECT_REFUSED(registry->delete_namespace(call, kNs), Reason::kNamespaceNotEmpty);
  ASSERT_TRUE(registry->delete_enrollment(call, "e", false));

  ASSERT_TRUE(registry->create_credential(call, kNs, new_ca("CN=root")));
  EXPECT_REFUSED(registry->delete_namespace(call, kNs), Reason::kNamespaceNotEmpty);
  ASSERT_TRUE(make_policy("alpha"));
  ASSERT_TRUE(registry->delete_policy(call, kNs, "alpha"));
  ASSERT_TRUE(registry->delete_credential(call, kNs));

  ASSERT_TRUE(registry->delete_namespace(call, kNs)) << "a deleted policy does not keep it";

  ASSERT_TRUE(registry->create_namespace(call, kNs));
  ASSERT_TRUE(registry->create_hub(call, kNs, "hub", "localhost"));
  EXPECT_REFUSED(registry->delete_namespace(call, kNs), Reason::kNamespaceNotEmpty);
}

TEST_F(Namespaces, settings_are_kept_and_replaced) {
  EXPECT_EQ(*registry->setting("id scope"), std::nullopt);
  ASSERT_TRUE(registry->set_setting("id scope", "0ne1"));
  ASSERT_TRUE(registry->set_setting("id scope", "0ne2"));
  open();
  EXPECT_EQ(*registry->setting("id scope"), "0ne2");
}

}  // namespace
}  // namespace latchkey::registry
