// SPDX-License-Identifier: Apache-2.0
// Every effect of the fault document, as a client sees it: a device over MQTT, an operator over HTTP and the command
// line, a relying party with `openssl`.
#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/integration/rehearsal_world.h"
#include "tests/support/dps_conversation.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using testing::Test;

class Faults : public HubTest<Faults> {
 protected:
  void TearDown() override {
    clear_faults(hub());
    operate(hub(), {"credential", "sync"});
  }
  static bool registered(const std::string& device) {
    return hub().cli({"device", "show", "-n", device}).exit_status == 0;
  }
};

// A device that sees the topics of its answers, too.
class RawDps {
 public:
  RawDps(Hub& hub, const std::string& id) : id_(id), client_(hub.dps_options(id, hub.token(id))) {
    if (client_.connect().seen != Seen::kAccepted) throw std::runtime_error("DPS refuses " + id);
    if (client_.subscribe("$dps/registrations/res/#") != 1) throw std::runtime_error("DPS refuses to answer " + id);
  }
  Message begin() {
    const json body = {{"registrationId", id_}, {"csr", make_csr(key_, id_)}};
    return ask("PUT/iotdps-register/?$rid=1", body.dump());
  }
  Message poll(const Message& begun) {
    const auto operation = json::parse(begun.payload).at("operationId").get<std::string>();
    return ask("GET/iotdps-get-operationstatus/?$rid=2&operationId=" + operation, " ");
  }

 private:
  Message ask(const std::string& topic, const std::string& payload) {
    client_.publish("$dps/registrations/" + topic, payload);
    const auto answer = client_.wait_message([](const Message&) { return true; });
    if (!answer) throw std::runtime_error("DPS does not answer");
    return *answer;
  }
  const std::string id_;
  const Key key_ = make_key();
  DeviceClient client_;
};

TEST_F(Faults, throttled_registration_is_answered_429_with_the_retry_after_that_was_asked_for) {
  set_faults(hub(), {fault({{"operation", "dps.register"}, {"device", "throttled-*"}},
                           {{"kind", "throttled"}, {"retryAfterSeconds", 7}})});
  RawDps device(hub(), "throttled-1");
  const auto answer = device.begin();
  EXPECT_NE(answer.topic.find("/res/429/"), std::string::npos) << answer.topic;
  EXPECT_NE(answer.topic.find("retry-after=7"), std::string::npos) << answer.topic;
  EXPECT_EQ(json::parse(answer.payload).at("errorCode"), 429001);
  EXPECT_FALSE(registered("throttled-1"));
  EXPECT_NO_THROW(hub().provision("other-1")) << "others are not meant";
}

TEST_F(Faults, throttled_poll_is_answered_429_and_the_operation_goes_on) {
  set_faults(hub(), {{{"match", {{"operation", "dps.poll"}}},
                      {"count", 1},
                      {"effect", {{"kind", "throttled"}, {"retryAfterSeconds", 3}}}}});
  RawDps device(hub(), "polled-1");
  const auto begun = device.begin();
  const auto first = device.poll(begun);
  EXPECT_NE(first.topic.find("/res/429/"), std::string::npos) << first.topic;
  EXPECT_NE(first.topic.find("retry-after=3"), std::string::npos) << first.topic;
  EXPECT_TRUE(eventually([&] { return json::parse(device.poll(begun).payload).value("status", "") == "assigned"; }));
}

TEST_F(Faults, registration_fails_with_the_message_that_was_asked_for) {
  set_faults(hub(), {fault({{"operation", "dps.register"}}, {{"kind", "failed"}, {"message", "on purpose"}})});
  const auto body = hub().try_provision("failed-1", hub().token("failed-1"), make_key()).at("body");
  EXPECT_EQ(body.at("status"), "failed");
  EXPECT_EQ(body.at("registrationState").at("errorCode"), 500001);
  EXPECT_EQ(body.at("registrationState").at("errorMessage"), "on purpose");
}

TEST_F(Faults, device_is_assigned_without_a_certificate) {
  set_faults(hub(), {fault({{"operation", "dps.register"}}, {{"kind", "withoutCertificate"}})});
  const auto body = hub().try_provision("bare-1", hub().token("bare-1"), make_key()).at("body");
  EXPECT_EQ(body.at("status"), "assigned");
  EXPECT_EQ(body.at("registrationState").at("assignedHub"), hub().hub_name());
  EXPECT_FALSE(body.at("registrationState").contains("issuedCertificateChain"));
  clear_faults(hub());
  EXPECT_NO_THROW(hub().provision("bare-1"));
}

TEST_F(Faults, registration_is_stuck_until_it_is_released) {
  set_faults(hub(), {fault({{"operation", "dps.register"}}, {{"kind", "stuck"}})});
  RawDps device(hub(), "stuck-1");
  const auto begun = device.begin();
  ASSERT_TRUE(eventually([&] { return registered("stuck-1"); })) << "it is done in truth";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(json::parse(device.poll(begun).payload).at("status"), "assigning");
  clear_faults(hub());
  EXPECT_EQ(json::parse(device.poll(begun).payload).at("status"), "assigned");
}

TEST_F(Faults, registration_is_stuck_for_so_many_polls) {
  set_faults(hub(), {fault({{"operation", "dps.register"}}, {{"kind", "stuck"}, {"polls", 3}})});
  RawDps device(hub(), "stuck-2");
  const auto begun = device.begin();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(json::parse(device.poll(begun).payload).at("status"), "assigning");
  EXPECT_TRUE(eventually([&] { return json::parse(device.poll(begun).payload).at("status") == "assigned"; }));
}

// Not before its time, however often it is asked.
TEST_F(Faults, registration_is_stuck_for_so_many_seconds) {
  set_faults(hub(), {fault({{"operation", "dps.register"}}, {{"kind", "stuck"}, {"seconds", 2}})});
  RawDps device(hub(), "stuck-3");
  const auto before = std::chrono::steady_clock::now();
  const auto begun = device.begin();
  EXPECT_TRUE(eventually([&] { return json::parse(device.poll(begun).payload).at("status") == "assigned"; }));
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST_F(Faults, client_that_polls_on_has_its_certificate_in_the_end) {
  for (const auto& effect : {json{{"kind", "stuck"}, {"polls", 4}}, json{{"kind", "stuck"}, {"seconds", 1}}}) {
    set_faults(hub(), {fault({{"operation", "dps.register"}, {"device", "patient-*"}}, effect)});
    const std::string id = effect.contains("polls") ? "patient-1" : "patient-2";
    const auto identity = hub().provision(id);
    EXPECT_TRUE(accepted(hub(), id, identity));
    EXPECT_EQ(hub().json({"rehearsal", "faults", "show"}).at("rules").at(0).at("struck"), 1);
  }
}

TEST_F(Faults, throttled_request_is_answered_429_with_retry_after_and_the_command_line_says_try_again) {
  set_faults(hub(), {fault({{"operation", "management.request"}, {"resource", "/namespaces/default/devices*"}},
                           {{"kind", "throttled"}, {"retryAfterSeconds", 11}})});
  const auto answer = ask_owner_socket(hub(), "GET", "/namespaces/default/devices");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.retry_after, "11");
  EXPECT_EQ(answer.body.at("error").at("code"), "TooManyRequests");
  EXPECT_EQ(hub().cli({"device", "list"}).exit_status, 5);
  EXPECT_EQ(hub().cli({"policy", "list"}).exit_status, 0);
}

TEST_F(Faults, failed_request_does_nothing) {
  set_faults(hub(), {fault({{"operation", "management.request"}, {"method", "PUT"}}, {{"kind", "failed"}})});
  const auto answer = ask_owner_socket(hub(), "PUT", "/namespaces/default/devices/not-made");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.at("error").at("code"), "GenericServerError");
  EXPECT_FALSE(registered("not-made"));
}

// Rows: R-3-13
TEST_F(Faults, revoke_says_failed_inside_a_200_and_nothing_is_revoked) {
  const auto identity = hub().provision("unrevoked-1");
  set_faults(hub(), {fault({{"operation", "management.request"}, {"resource", "*/unrevoked-1/revoke"}},
                           {{"kind", "resultFailed"}, {"code", "RevokeFailed"}, {"message", "on purpose"}})});
  const auto answer = ask_owner_socket(hub(), "POST", "/namespaces/default/devices/unrevoked-1/revoke", "{}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body,
            (json{{"result", "Failed"}, {"error", {{"code", "RevokeFailed"}, {"message", "on purpose"}}}}));
  EXPECT_TRUE(accepted(hub(), "unrevoked-1", identity));
}

// A device's revoke as a client of Azure Resource Manager begins it, and its monitor as that client asks it.
class ArmOperation {
 public:
  ArmOperation(Hub& hub, const std::string& device) : hub_(hub) {
    const auto subscription = hub.json({"status"}).at("subscription").get<std::string>();
    begun_ =
        ask_owner_socket(hub, "POST",
                         "/subscriptions/" + subscription +
                             "/resourceGroups/latchkey/providers/Microsoft.DeviceRegistry/namespaces/default/devices/" +
                             device + "/revoke?api-version=2026-03-01-preview",
                         "{}");
    if (begun_.status != 202) throw std::runtime_error("not begun: " + begun_.body.dump());
  }
  std::string status() { return ask(begun_.operation).body.at("status"); }
  HttpAnswer result() { return ask(begun_.location); }

 private:
  HttpAnswer ask(const std::string& link) {
    return ask_owner_socket(hub_, "GET", link.substr(link.find("/subscriptions/")));
  }
  Hub& hub_;
  HttpAnswer begun_;
};

// Rows: R-3-09, R-3-13
TEST_F(Faults, operation_of_azure_resource_manager_runs_for_so_many_polls) {
  hub().provision("polled-operation");
  set_faults(hub(), {fault({{"operation", "management.operation"}, {"resource", "*/devices/polled-operation"}},
                           {{"kind", "stuck"}, {"polls", 3}})});
  ArmOperation revoke(hub(), "polled-operation");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(revoke.status(), "InProgress") << i;
  EXPECT_EQ(revoke.status(), "Succeeded");
  EXPECT_EQ(revoke.status(), "Succeeded") << "and stays so";
}

// Rows: R-3-09, R-3-13
TEST_F(Faults, operation_of_azure_resource_manager_runs_for_so_many_seconds_of_the_rehearsals_clock) {
  hub().provision("timed-operation");
  set_faults(hub(), {fault({{"operation", "management.operation"}, {"resource", "*/devices/timed-operation"}},
                           {{"kind", "stuck"}, {"seconds", 3600}})});
  ArmOperation revoke(hub(), "timed-operation");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(revoke.status(), "InProgress") << "polls do not hasten it";
  operate(hub(), {"rehearsal", "clock", "advance", "--seconds", "3601"});
  EXPECT_EQ(revoke.status(), "Succeeded");
  operate(hub(), {"rehearsal", "clock", "advance", "--seconds", "-3601", "--backwards"});
}

// Rows: R-3-09, R-3-13
TEST_F(Faults, operation_of_azure_resource_manager_runs_until_it_is_released) {
  hub().provision("held-1");
  set_faults(hub(),
             {fault({{"operation", "management.operation"}, {"resource", "*/devices/held-1"}}, {{"kind", "stuck"}})});
  ArmOperation held(hub(), "held-1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(held.status(), "InProgress");
  clear_faults(hub());
  EXPECT_EQ(held.status(), "Succeeded");

  set_faults(hub(), {fault({{"operation", "management.operation"}, {"action", "*/devices/revoke/action"}},
                           {{"kind", "failed"}, {"message", "on purpose"}})});
  ArmOperation failed(hub(), "held-1");
  const auto result = failed.result();
  EXPECT_EQ(result.status, 200);
  EXPECT_EQ(result.body.at("result"), "Failed");
  EXPECT_EQ(result.body.at("error").at("message"), "on purpose");
}

// The table's row "P revoked, sync not yet done (fault)".
// Rows: R-3-20, R-7-25
TEST_F(Faults, policy_revoke_that_is_half_done_is_over_for_old_and_new_certificates_until_a_sync) {
  Cohort cohort(hub(), "half-done");
  const auto a = cohort.device("a");
  const auto old_a = cohort.provision(a);
  set_faults(hub(),
             {fault({{"operation", "policy.revoke"}, {"resource", "*/policies/half-done"}}, {{"kind", "halfDone"}})});
  const auto revoked = hub().cli({"policy", "revoke", "-n", "half-done", "-y"});
  EXPECT_EQ(revoked.exit_status, 1);
  EXPECT_NE(revoked.err.find("GenericServerError"), std::string::npos) << revoked.err;
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  const auto new_a = cohort.provision(a);
  EXPECT_TRUE(refused(hub(), a, new_a, kIssuerNotTrusted));
  clear_faults(hub());
  operate(hub(), {"credential", "sync"});
  EXPECT_TRUE(accepted(hub(), a, new_a));
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
}

// Rows: R-7-25, R-13-06
TEST_F(Faults, hub_whose_sync_is_skipped_trusts_neither_the_old_ca_nor_the_new_one_or_still_the_old_one) {
  Cohort removed(hub(), "skipped-removed");
  Cohort kept(hub(), "skipped-kept");
  const auto a = removed.device("a");
  const auto b = kept.device("b");
  const auto old_a = removed.provision(a);
  const auto old_b = kept.provision(b);
  set_faults(hub(),
             {fault({{"operation", "hub.sync"}, {"hub", "hub"}, {"policy", "skipped-removed"}}, {{"kind", "skipped"}}),
              fault({{"operation", "hub.sync"}, {"hub", "hub"}, {"policy", "skipped-kept"}},
                    {{"kind", "skipped"}, {"old", "kept"}})});
  removed.revoke_policy();
  kept.revoke_policy();
  EXPECT_TRUE(refused(hub(), a, old_a, kIssuerNotTrusted));
  EXPECT_TRUE(accepted(hub(), b, old_b)) << "this hub has not heard of it";
  const auto new_b = kept.provision(b);
  EXPECT_TRUE(refused(hub(), b, new_b, kIssuerNotTrusted));
  clear_faults(hub());
  operate(hub(), {"credential", "sync"});
  EXPECT_TRUE(refused(hub(), b, old_b, kIssuerNotTrusted));
  EXPECT_TRUE(accepted(hub(), b, new_b));
}

// Rows: R-13-06
TEST_F(Faults, sync_that_is_late_comes_by_itself) {
  Cohort cohort(hub(), "late");
  const auto a = cohort.device("a");
  set_faults(hub(), {fault({{"operation", "hub.sync"}, {"policy", "late"}}, {{"kind", "late"}, {"seconds", 1}})});
  cohort.revoke_policy();
  const auto subject = cohort.subject();
  EXPECT_TRUE(eventually([&] { return hub_certificates(hub(), subject).size() == 1; }));
  EXPECT_TRUE(accepted(hub(), a, cohort.provision(a)));
}

class SpoiltLists : public HubTest<SpoiltLists> {
 protected:
  void TearDown() override { clear_faults(hub()); }
  static std::string openssl_says(const json& ca, const std::vector<std::string>& question) {
    const auto file = hub().work() / "ca.pem";
    std::ofstream(file) << ca.at("certificate").get<std::string>();
    std::vector<std::string> command{LATCHKEY_OPENSSL, "crl", "-inform", "DER", "-noout", "-in", ca.at("crlFile")};
    for (const auto& word : question) command.push_back(word == "CA" ? file.string() : word);
    const auto said = run(command);
    return said.out + said.err;
  }
  static bool verifies(const json& ca) {
    return openssl_says(ca, {"-verify", "-CAfile", "CA"}).find("verify OK") != std::string::npos;
  }
  static bool fresh(const json& ca) {
    const auto said = openssl_says(ca, {"-nextupdate"});
    std::tm parts{};
    const auto equals = said.find('=');
    if (equals == std::string::npos || !strptime(said.c_str() + equals + 1, "%b %d %H:%M:%S %Y", &parts)) return false;
    return timegm(&parts) > std::time(nullptr);
  }
};

TEST_F(SpoiltLists, list_is_wrongly_signed_until_the_fault_is_over) {
  const auto ca = published_ca(hub(), policy_subject(hub(), "default"));
  ASSERT_TRUE(verifies(ca));
  set_faults(hub(),
             {fault({{"operation", "crl.publish"}, {"resource", ca.at("subject")}}, {{"kind", "wronglySigned"}})});
  EXPECT_TRUE(eventually([&] { return !verifies(ca); }));
  clear_faults(hub());
  EXPECT_TRUE(eventually([&] { return verifies(ca); }));
}

TEST_F(SpoiltLists, list_is_stale_until_the_fault_is_over) {
  const auto ca = published_ca(hub(), policy_subject(hub(), "default"));
  ASSERT_TRUE(eventually([&] { return fresh(ca); }));
  set_faults(hub(), {fault({{"operation", "crl.publish"}}, {{"kind", "stale"}})});
  EXPECT_TRUE(eventually([&] { return !fresh(ca); }));
  EXPECT_TRUE(verifies(ca)) << "old, but true";
  clear_faults(hub());
  EXPECT_TRUE(eventually([&] { return fresh(ca); }));
}

class StoreFaults : public HubTest<StoreFaults> {
 protected:
  void TearDown() override { clear_faults(hub()); }
};

TEST_F(StoreFaults, slow_store_takes_its_time) {
  set_faults(hub(), {fault({{"operation", "store.commit"}, {"action", "device.create"}},
                           {{"kind", "slow"}, {"milliseconds", 1500}})});
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(ask_owner_socket(hub(), "PUT", "/namespaces/default/devices/slow-1").status, 201);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(1500));
}

TEST_F(StoreFaults, full_disk_fails_the_act_and_leaves_nothing_of_it) {
  const auto head = hub().json({"audit", "head"});
  set_faults(hub(), {fault({{"operation", "store.commit"}, {"resource", "namespaces/default/devices/full-*"}},
                           {{"kind", "full"}})});
  const auto refused = ask_owner_socket(hub(), "PUT", "/namespaces/default/devices/full-1");
  EXPECT_EQ(refused.status, 500);
  EXPECT_EQ(refused.body.at("error").at("code"), "StorageFailed");
  EXPECT_NE(refused.body.at("error").at("message").get<std::string>().find("storage full"), std::string::npos);
  EXPECT_EQ(ask_owner_socket(hub(), "GET", "/namespaces/default/devices/full-1").status, 404);
  EXPECT_EQ(ask_owner_socket(hub(), "PUT", "/namespaces/default/devices/other-1").status, 201);
  clear_faults(hub());
  EXPECT_EQ(ask_owner_socket(hub(), "PUT", "/namespaces/default/devices/full-1").status, 201);
  EXPECT_EQ(hub().cli({"audit", "verify", "--head", head.at("head")}).exit_status, 0);
}

TEST_F(StoreFaults, faults_hold_over_a_restart) {
  set_faults(hub(), {fault({{"operation", "management.request"}, {"resource", "/hubs"}}, {{"kind", "failed"}})});
  hub().stop();
  hub().start();
  EXPECT_EQ(ask_owner_socket(hub(), "GET", "/hubs").status, 500);
  clear_faults(hub());
  hub().stop();
  hub().start();
  EXPECT_EQ(ask_owner_socket(hub(), "GET", "/hubs").status, 200);
}

}  // namespace
}  // namespace latchkey::tests
