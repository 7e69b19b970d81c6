// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/resource_id.h"

#include <gtest/gtest.h>

#include "registry/roles/scope.h"

namespace latchkey::hub::management {
namespace {

const Place kPlace{"7a1d6a3e-0000-4000-8000-000000000001", "latchkey"};
const std::string kGroup = "/subscriptions/7a1d6a3e-0000-4000-8000-000000000001/resourceGroups/latchkey";
const std::string kNamespace = kGroup + "/providers/Microsoft.DeviceRegistry/namespaces/plant";
const std::string kHub = kGroup + "/providers/Microsoft.Devices/IotHubs/hub";
const std::string kDps = kGroup + "/providers/Microsoft.Devices/provisioningServices/dps";

using Segments = std::vector<std::string>;

struct Case {
  Segments path;
  std::string id;
};

TEST(ResourceId, stands_where_azure_puts_the_resource) {
  const Case cases[] = {
      {{"namespaces", "plant"}, kNamespace},
      {{"namespaces", "plant", "credentials", "default"}, kNamespace + "/credentials/default"},
      {{"namespaces", "plant", "credentials", "default", "policies", "p"},
       kNamespace + "/credentials/default/policies/p"},
      {{"namespaces", "plant", "devices", "pump"}, kNamespace + "/devices/pump"},
      {{"hubs", "hub"}, kHub},
      {{"hubs", "hub", "certificates", "c"}, kHub + "/certificates/c"},
      {{"enrollments", "pump"}, kDps + "/enrollments/pump"},
      {{"enrollmentGroups", "line"}, kDps + "/enrollmentGroups/line"},
      {{"registrations", "pump"}, kDps + "/registrations/pump"},
      {{"status"}, kGroup},
      {{"audit", "head"}, kGroup},
      {{"twins", "pump", "methods"}, kGroup},
      {{"certificateAuthorities", "x"}, kGroup},
      {{}, kGroup},
  };
  for (const auto& one : cases) EXPECT_EQ(resource_id(kPlace, one.path), one.id);
}

TEST(ResourceId, collection_and_act_belong_to_what_they_stand_under) {
  EXPECT_EQ(resource_id(kPlace, {"namespaces"}), kGroup);
  EXPECT_EQ(resource_id(kPlace, {"hubs"}), kGroup);
  EXPECT_EQ(resource_id(kPlace, {"enrollments"}), kDps);
  EXPECT_EQ(resource_id(kPlace, {"namespaces", "plant", "devices"}), kNamespace);
  EXPECT_EQ(resource_id(kPlace, {"namespaces", "plant", "devices", "pump", "revoke"}), kNamespace + "/devices/pump");
  EXPECT_EQ(resource_id(kPlace, {"enrollments", "pump", "attestationmechanism"}), kDps + "/enrollments/pump");
}

TEST(ResourceId, code_signing_lies_in_the_group_that_the_path_names) {
  const std::string subscription = "/subscriptions/" + kPlace.subscription;
  const std::string account = subscription + "/resourceGroups/rg/providers/Microsoft.CodeSigning/codeSigningAccounts/a";
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups"}), subscription);
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups", "rg"}), subscription + "/resourceGroups/rg");
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups", "rg", "codeSigningAccounts"}), subscription + "/resourceGroups/rg");
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups", "rg", "codeSigningAccounts", "a"}), account);
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups", "rg", "codeSigningAccounts", "a", "previewSubject"}), account);
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups", "rg", "codeSigningAccounts", "a", "certificateProfiles", "p"}),
            account + "/certificateProfiles/p");
  EXPECT_EQ(resource_id(kPlace, {"resourceGroups", "rg/providers", "codeSigningAccounts", "a/b"}),
            subscription + "/resourceGroups/rg%2Fproviders/providers/Microsoft.CodeSigning/codeSigningAccounts/a%2Fb");
  EXPECT_EQ(place_of(kPlace, {"resourceGroups", "rg", "codeSigningAccounts"}).group, "rg");
  EXPECT_EQ(place_of(kPlace, {"namespaces", "plant"}).group, "latchkey");
  const auto back =
      short_segments(kPlace, {"subscriptions", kPlace.subscription, "resourcegroups", "RG", "providers",
                              "microsoft.codesigning", "codesigningaccounts", "a", "certificateprofiles"});
  EXPECT_EQ(back, Segments({"resourceGroups", "RG", "codeSigningAccounts", "a", "certificateProfiles"}));
  EXPECT_FALSE(short_segments(kPlace, {"subscriptions", "another", "resourceGroups", "rg"}));
  EXPECT_FALSE(short_segments(kPlace, {"subscriptions", kPlace.subscription, "resourceGroups", "rg", "providers",
                                       "Microsoft.Devices", "IotHubs"}));
}

TEST(ResourceId, slash_in_a_name_reaches_into_no_other_resource) {
  const auto id = resource_id(kPlace, {"namespaces", "plant/devices/pump"});
  EXPECT_FALSE(registry::roles::covers(kNamespace, id)) << id;
}

TEST(ResourceId, short_scope_stands_for_the_full_one) {
  EXPECT_EQ(full_scope(kPlace, "/"), "/");
  EXPECT_EQ(full_scope(kPlace, kNamespace), kNamespace);
  EXPECT_EQ(full_scope(kPlace, "/resourceGroups/latchkey"), kGroup);
  EXPECT_EQ(full_scope(kPlace, "/namespaces/plant"), kNamespace);
  EXPECT_EQ(full_scope(kPlace, "/namespaces/plant/devices/pump"), kNamespace + "/devices/pump");
  EXPECT_EQ(full_scope(kPlace, "/hubs/hub"), kHub);
  EXPECT_EQ(full_scope(kPlace, "/enrollmentGroups/line"), kDps + "/enrollmentGroups/line");
  EXPECT_EQ(full_scope(kPlace, "/provisioningServices/dps"), kDps);
}

TEST(ResourceId, what_is_no_scope_stands_for_none) {
  for (const auto* bad : {"", "namespaces/plant", "/namespaces", "/namespaces/", "/namespaces/plant/devices",
                          "/namespaces/plant/../other", "/twins/pump", "/audit", "/nonsense/x", "//", "/ "}) {
    EXPECT_EQ(full_scope(kPlace, bad), std::nullopt) << bad;
  }
}

TEST(ResourceId, full_path_becomes_the_short_one_in_the_routes_spelling) {
  const auto full = [](const Segments& rest) {
    Segments all = {"SUBSCRIPTIONS", "7A1D6A3E-0000-4000-8000-000000000001", "resourcegroups", "Latchkey", "Providers"};
    all.insert(all.end(), rest.begin(), rest.end());
    return short_segments(kPlace, all);
  };
  EXPECT_EQ(full({"microsoft.deviceregistry", "Namespaces"}), (Segments{"namespaces"}));
  EXPECT_EQ(full({"microsoft.deviceregistry", "Namespaces", "Plant", "CREDENTIALS", "default", "Policies", "P"}),
            (Segments{"namespaces", "Plant", "credentials", "default", "policies", "P"}));
  EXPECT_EQ(full({"Microsoft.Devices", "iothubs", "hub", "Certificates", "c"}),
            (Segments{"hubs", "hub", "certificates", "c"}));
  EXPECT_EQ(full({"Microsoft.Devices", "ProvisioningServices", "dps", "enrollmentgroups", "line"}),
            (Segments{"enrollmentGroups", "line"}));
  EXPECT_EQ(full({"Microsoft.Devices", "ProvisioningServices"}), (Segments{"provisioningServices"}));
  EXPECT_EQ(full({"Microsoft.Devices", "provisioningservices", "DPS"}), (Segments{"provisioningServices", "dps"}));
  EXPECT_EQ(full({"Microsoft.Devices", "provisioningServices", "other"}), (Segments{"provisioningServices", "other"}));
}

TEST(ResourceId, path_below_another_group_or_provider_becomes_nothing) {
  const Segments prefix = {"subscriptions", kPlace.subscription, "resourceGroups", "latchkey", "providers"};
  for (const Segments& rest :
       {Segments{}, Segments{"Microsoft.Devices"}, Segments{"Microsoft.Storage", "accounts", "a"},
        Segments{"Microsoft.Devices", "namespaces", "plant"},
        Segments{"Microsoft.Devices", "provisioningServices", "other", "enrollments"},
        Segments{"Microsoft.Devices", "provisioningServices", "dps", "certificates"}}) {
    auto all = prefix;
    all.insert(all.end(), rest.begin(), rest.end());
    EXPECT_EQ(short_segments(kPlace, all), std::nullopt) << rest.size();
  }
  for (const std::size_t wrong : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}}) {
    auto all = prefix;
    all.insert(all.end(), {"Microsoft.Devices", "IotHubs", "hub"});
    all[wrong] = "other";
    EXPECT_EQ(short_segments(kPlace, all), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace latchkey::hub::management
