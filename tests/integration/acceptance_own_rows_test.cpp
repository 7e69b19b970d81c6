// SPDX-License-Identifier: Apache-2.0
// The rows of our own choice that complete the table "What a hub accepts after each operation"; see acceptance_test.cpp
// for those that are not played.
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

class AcceptanceOwnRows : public HubTest<AcceptanceOwnRows> {
 protected:
  static json properties(const std::string& device) {
    return hub().json({"device", "show", "-n", device}).at("properties");
  }
  static std::vector<json> certificates(const std::string& device) {
    return rows(hub().json({"device", "certificates", "-n", device}));
  }
  // Would the registry still accept the identifier in that certificate?
  static bool identifier_current(const std::string& device, const Identity& identity) {
    for (const auto& certificate : certificates(device)) {
      if (certificate.at("serialNumber").get<std::string>().ends_with(serial_hex(identity.chain.front()))) {
        return certificate.at("identifierCurrent");
      }
    }
    throw std::runtime_error("a certificate of " + device + " is not on record");
  }
};

// Rows: R-7-31
TEST_F(AcceptanceOwnRows, deleted_device_comes_back_as_another_one_and_its_old_certificates_stay_dead) {
  Cohort cohort(hub(), "device-deleted");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  const auto old_uuid = properties(a).at("uuid");
  const auto session_a = open_session(hub(), a, old_a);
  const auto session_b = open_session(hub(), b, of_b);

  operate(hub(), {"device", "delete", "-n", a, "-y"});
  EXPECT_TRUE(session_a->wait_closed(20'000));
  EXPECT_TRUE(session_b->connected());
  EXPECT_TRUE(refused(hub(), a, old_a, kDeviceUnknown));
  EXPECT_TRUE(accepted(hub(), b, of_b));

  const auto new_a = cohort.provision(a);
  EXPECT_NE(properties(a).at("uuid"), old_uuid);
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(refused(hub(), a, old_a, kIdentifierMismatch)) << "also after re-creation under the same name";
  EXPECT_TRUE(accepted(hub(), b, of_b));
}

// Rows: R-7-32
TEST_F(AcceptanceOwnRows, disabled_enrollment_stops_issuance_and_renewal_but_no_certificate) {
  Cohort cohort(hub(), "enrollment-disabled");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  operate(hub(), {"enrollment", "create", "--id", a, "--policy", cohort.name()});
  const auto token = individual_token(hub(), a, enrollment_key(hub(), a, false));
  const auto provision = [&] {
    const auto key = make_key();
    return Hub::identity_from(hub().try_provision(a, token, key), key);
  };
  const auto old_a = provision();
  const auto of_b = cohort.provision(b);

  operate(hub(), {"enrollment", "update", "--id", a, "--status", "disabled"});
  EXPECT_TRUE(accepted(hub(), a, old_a)) << "the operational identity stands on its own";
  EXPECT_EQ(renew(hub(), a, old_a).status, 403);
  EXPECT_TRUE(answers(hub().try_provision(a, token, make_key()).at("body"), "disabled"));
  EXPECT_TRUE(answers(cohort.try_provision(a), "disabled")) << "a group that would let it in is overruled";
  EXPECT_TRUE(accepted(hub(), b, of_b));
  EXPECT_TRUE(accepted(hub(), b, cohort.provision(b)));

  operate(hub(), {"enrollment", "update", "--id", a, "--status", "enabled"});
  EXPECT_TRUE(accepted(hub(), a, provision()));
}

// Rows: R-7-33
TEST_F(AcceptanceOwnRows, deleted_enrollment_stops_provisioning_but_neither_certificates_nor_renewal) {
  Cohort cohort(hub(), "enrollment-deleted");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  operate(hub(), {"enrollment", "create", "--id", a, "--policy", cohort.name()});
  const auto token = individual_token(hub(), a, enrollment_key(hub(), a, false));
  const auto key = make_key();
  const auto old_a = Hub::identity_from(hub().try_provision(a, token, key), key);
  const auto of_b = cohort.provision(b);
  DpsConversation proven(hub().dps_options(a, token));
  EXPECT_EQ(proven.finish(proven.begin({{"csr", make_csr(key, a)}})).status, 200);

  operate(hub(), {"enrollment", "delete", "--id", a, "-y"});
  EXPECT_TRUE(accepted(hub(), a, old_a));
  const auto renewed = renew(hub(), a, old_a);
  ASSERT_EQ(renewed.status, 200);
  EXPECT_TRUE(accepted(hub(), a, renewed.identity));
  EXPECT_EQ(proven.begin({{"csr", make_csr(key, a)}}).error_code(), 404201) << "it had proven itself before";
  proven.close();
  // To a new connection nothing tells a wrong proof apart from an id that is not enrolled.
  EXPECT_EQ(hub().try_provision(a, token, make_key()).at("body").value("errorCode", 0), 401000);
  EXPECT_TRUE(accepted(hub(), b, of_b));
}

// Rows: R-7-34
TEST_F(AcceptanceOwnRows, device_revoked_after_its_policy_was_deleted_waits_for_another_policy) {
  Cohort cohort(hub(), "deleted-revoked");
  Cohort target(hub(), "deleted-revoked-target");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);

  cohort.delete_policy();
  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  EXPECT_TRUE(refused(hub(), a, old_a, kIdentifierMismatch));
  EXPECT_TRUE(answers(cohort.try_provision(a), "failed", 404204));
  EXPECT_TRUE(accepted(hub(), b, of_b));

  operate(hub(), {"enrollment", "update", "--id", cohort.name(), "--group", "--policy", target.name()});
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
  EXPECT_TRUE(refused(hub(), a, old_a, kIdentifierMismatch));
  EXPECT_TRUE(accepted(hub(), b, of_b));
}

// Rows: R-7-35
TEST_F(AcceptanceOwnRows, certificate_begun_before_a_revoke_and_handed_out_after_it_is_dead) {
  Cohort cohort(hub(), "overtaken");
  const auto a = cohort.device("a");
  cohort.provision(a);
  const auto before = certificates(a).size();
  const auto key = make_key();
  DpsConversation conversation(hub().dps_options(a, cohort.token(a)));
  const auto begun = conversation.begin({{"registrationId", a}, {"csr", make_csr(key, a)}});
  ASSERT_EQ(begun.status, 202);
  ASSERT_TRUE(eventually([&] { return certificates(a).size() == before + 1; })) << "its serial is to be stored";

  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  const auto answer = conversation.finish(begun);
  ASSERT_EQ(answer.status, 200);
  conversation.close();
  const auto overtaken = Hub::identity_from(answer.json(), key);
  EXPECT_TRUE(refused(hub(), a, overtaken, kIdentifierMismatch));
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
}

// Whatever the order in which the two came: accepted exactly if the identifier is still the device's.
// Rows: R-7-35
TEST_F(AcceptanceOwnRows, certificate_issued_while_its_device_is_revoked_is_dead_if_the_revoke_came_later) {
  Cohort cohort(hub(), "race");
  const auto a = cohort.device("a");
  cohort.provision(a);
  for (int round = 0; round < 6; ++round) {
    auto racing = std::async(std::launch::async, [&] { return cohort.provision(a); });
    operate(hub(), {"device", "revoke", "-n", a, "-y"});
    const auto raced = racing.get();
    if (identifier_current(a, raced)) {
      EXPECT_TRUE(accepted(hub(), a, raced));
      operate(hub(), {"device", "revoke", "-n", a, "-y"});
    }
    EXPECT_TRUE(refused(hub(), a, raced, kIdentifierMismatch));
  }
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
}

// The old certificate's end is a matter of time: see AcceptanceOverTime.
// Rows: R-7-36, R-10-28
TEST_F(AcceptanceOwnRows, an_enrollment_moved_to_another_policy_issues_from_there_once_its_ca_is_on_the_hub) {
  Cohort cohort(hub(), "moved");
  Cohort target(hub(), "moved-target");
  const auto a = cohort.device("a");
  const auto b = cohort.device("b");
  const auto old_a = cohort.provision(a);
  const auto of_b = cohort.provision(b);
  delete_from_hub(hub(), target.subject());

  cohort.delete_policy();
  operate(hub(), {"enrollment", "update", "--id", cohort.name(), "--group", "--policy", target.name()});
  EXPECT_TRUE(accepted(hub(), a, old_a));
  const auto new_a = cohort.provision(a);
  EXPECT_EQ(subject_text(new_a.chain.at(1)), target.subject());
  EXPECT_TRUE(refused(hub(), a, new_a, kIssuerNotTrusted)) << "that CA is not on the hub yet";
  operate(hub(), {"credential", "sync"});
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(accepted(hub(), a, old_a));
  EXPECT_TRUE(accepted(hub(), b, of_b));
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

// Rows: R-7-38
TEST_F(AcceptanceOwnRows, deleted_policys_key_is_destroyed_and_its_last_crl_stays_published) {
  Cohort cohort(hub(), "key-destroyed");
  const auto a = cohort.device("a");
  cohort.provision(a);
  const auto subject = cohort.subject();
  const auto ca = published_ca(hub(), subject);
  ASSERT_TRUE(ca.at("keyPresent"));
  const auto crl = ca.at("crlFile").get<std::string>();
  const auto list = read_text(crl);
  ASSERT_FALSE(list.empty());
  const auto keys = files_in(hub().data() / "keys");

  cohort.delete_policy();
  EXPECT_TRUE(eventually([&] { return files_in(hub().data() / "keys") == keys - 1; }));
  EXPECT_FALSE(ca_with_subject(hub(), subject).at("keyPresent"));
  const auto last = read_text(crl);
  EXPECT_FALSE(last.empty());
  EXPECT_NE(last, list) << "the last one is valid to the CA's end";
  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  EXPECT_EQ(read_text(crl), last) << "no key is left that could sign another one";
}

}  // namespace
}  // namespace latchkey::tests
