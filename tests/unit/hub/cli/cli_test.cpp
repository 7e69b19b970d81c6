// SPDX-License-Identifier: Apache-2.0
// The command line against a server that answers what a test says: what is sent, what is shown, what is asked, and
// what the process exits with.
#include "hub/cli/cli.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>
#include <mutex>
#include <sstream>

#include "hub/management/server.h"
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::cli {
namespace {

using management::Method;
using management::Request;
using management::Response;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

enum class Seat { kTaken, kEmpty };  // whether somebody sits at the terminal

Outcome run_with(std::vector<std::string> words, Seat seat = Seat::kEmpty, const std::string& typed = "",
                 const std::vector<LocalVerb>& local = {}) {
  words.insert(words.begin(), "latchkey");
  std::vector<const char*> argv;
  for (const auto& word : words) argv.push_back(word.c_str());
  std::istringstream in(typed);
  std::ostringstream out;
  std::ostringstream err;
  const Terminal terminal{in, out, err, seat == Seat::kTaken};
  const int status = run_cli(static_cast<int>(argv.size()), argv.data(), terminal, local);
  return {status, out.str(), err.str()};
}

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CliTest : public testing::Test {
 protected:
  void SetUp() override {
    management::ServerOptions options;
    options.socket_path = management_socket(folder.path());
    options.owner_uid = geteuid();
    auto started = management::Server::start(
        options, [this](const Request& request) { return answer(request); }, [](const management::Caller&) {});
    ASSERT_TRUE(started);
    server = std::move(*started);
  }

  Response answer(const Request& request) {
    static const std::map<Method, std::string> kMethods = {{Method::kGet, "GET"},
                                                           {Method::kPut, "PUT"},
                                                           {Method::kPatch, "PATCH"},
                                                           {Method::kPost, "POST"},
                                                           {Method::kDelete, "DELETE"}};
    const std::lock_guard lock(mutex);
    const auto target = request.path + (request.query.empty() ? "" : "?" + request.query);
    asked.push_back(kMethods.at(request.method) + " " + target + (request.body.empty() ? "" : " " + request.body));
    const auto found = answers.find(target);
    return found == answers.end() ? usual : found->second;
  }

  Outcome run(std::vector<std::string> words, Seat seat = Seat::kEmpty, const std::string& typed = "") {
    words.insert(words.begin(), {"--data", folder.path()});
    return run_with(std::move(words), seat, typed);
  }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex);
    return std::exchange(asked, {});
  }

  tests::MemoryFolder folder;
  std::mutex mutex;
  std::vector<std::string> asked;
  std::map<std::string, Response> answers;
  Response usual{200, R"({"value":[]})"};
  std::unique_ptr<management::Server> server;  // goes first: its threads use the others
};

// Rows: R-7-19, R-8-09, R-8-10, R-8-11, R-8-12, R-8-13, R-8-14, R-8-15
TEST_F(CliTest, every_verb_sends_the_request_that_it_stands_for) {
  std::ofstream(folder.file("pem")) << "PEM";
  const std::string pem = folder.file("pem");
  const std::vector<std::pair<std::string, std::string>> table = {
      {"namespace create -n plant", "PUT /namespaces/plant {}"},
      {"namespace show -n plant", "GET /namespaces/plant"},
      {"namespace list", "GET /namespaces"},
      {"namespace delete -n plant -y", "DELETE /namespaces/plant"},
      {"credential create", "PUT /namespaces/default/credentials/default {\"properties\":{}}"},
      {"credential create --namespace plant --key-profile ec-p384",
       "PUT /namespaces/plant/credentials/default {\"properties\":{\"keyProfile\":\"ec-p384\"}}"},
      {"credential show --ns plant", "GET /namespaces/plant/credentials/default"},
      {"credential sync", "POST /namespaces/default/credentials/default/synchronize"},
      {"credential synchronize", "POST /namespaces/default/credentials/default/synchronize"},
      {"credential delete -y", "DELETE /namespaces/default/credentials/default"},
      {"policy create -n line-a",
       "PUT /namespaces/default/credentials/default/policies/line-a {\"properties\":{\"certificate\":{}}}"},
      {"policy create --policy-name line-a --validity-days 14 --key-profile ec-p256",
       "PUT /namespaces/default/credentials/default/policies/line-a "
       "{\"properties\":{\"certificate\":{\"certificateAuthorityConfiguration\":{\"keyProfile\":\"ec-p256\"},"
       "\"leafCertificateConfiguration\":{\"validityPeriodInDays\":14}}}}"},
      {"policy create -n line-a --enable-byor",
       "PUT /namespaces/default/credentials/default/policies/line-a {\"properties\":{\"certificate\":"
       "{\"certificateAuthorityConfiguration\":{\"bringYourOwnRoot\":{\"enabled\":true}}}}}"},
      {"policy activate-byor -n line-a --certificate-chain-file " + pem,
       "POST /namespaces/default/credentials/default/policies/line-a/activateBringYourOwnRoot "
       "{\"certificateChain\":\"PEM\"}"},
      {"policy delete -n line-a --override line-a -y",
       "DELETE /namespaces/default/credentials/default/policies/line-a?override=line-a"},
      {"credential delete --override line-a -y", "DELETE /namespaces/default/credentials/default?override=line-a"},
      {"policy show -n line-a", "GET /namespaces/default/credentials/default/policies/line-a"},
      {"policy list --namespace plant", "GET /namespaces/plant/credentials/default/policies"},
      {"policy update -n line-a --cert-validity-days 60",
       "PATCH /namespaces/default/credentials/default/policies/line-a "
       "{\"properties\":{\"certificate\":{\"leafCertificateConfiguration\":{\"validityPeriodInDays\":60}}}}"},
      {"policy revoke -n line-a -y", "POST /namespaces/default/credentials/default/policies/line-a/revokeIssuer"},
      {"policy revoke-issuer -n line-a -y",
       "POST /namespaces/default/credentials/default/policies/line-a/revokeIssuer"},
      {"policy delete -n line-a --yes", "DELETE /namespaces/default/credentials/default/policies/line-a"},
      {"device create -n dev-1", "PUT /namespaces/default/devices/dev-1 {}"},
      {"device show -n a/b%c", "GET /namespaces/default/devices/a%2Fb%25c"},
      {"device list", "GET /namespaces/default/devices?top=1000"},
      {"device update -n dev-1 --enabled false",
       "PATCH /namespaces/default/devices/dev-1 {\"properties\":{\"enabled\":false}}"},
      {"device update -n dev-1 --enabled true",
       "PATCH /namespaces/default/devices/dev-1 {\"properties\":{\"enabled\":true}}"},
      {"device revoke -n dev-1 -y", "POST /namespaces/default/devices/dev-1/revoke {}"},
      {"device revoke -n dev-1 --disable -y", "POST /namespaces/default/devices/dev-1/revoke {\"disable\":true}"},
      {"device delete -n dev-1 -y", "DELETE /namespaces/default/devices/dev-1"},
      {"device certificates -n dev-1", "GET /namespaces/default/devices/dev-1/certificates"},
      {"device send -n dev-1 --message hi --property a=1 --property b=x=y",
       "POST /namespaces/default/devices/dev-1/messages "
       "{\"message\":\"hi\",\"properties\":{\"a\":\"1\",\"b\":\"x=y\"}}"},
      {"device message send -n dev-1 --message hi --message-id m-1 --ttl 60",
       "POST /namespaces/default/devices/dev-1/messages "
       "{\"message\":\"hi\",\"messageId\":\"m-1\",\"properties\":{},\"timeToLiveSeconds\":60}"},
      {"device message list -n a/b", "GET /namespaces/default/devices/a%2Fb/messages"},
      {"device message purge -n dev-1", "DELETE /namespaces/default/devices/dev-1/messages"},
      {"enrollment create --id dev-1 --policy line-a",
       "PUT /enrollments/dev-1 {\"attestation\":{\"type\":\"symmetricKey\"},\"credentialPolicyName\":\"line-a\","
       "\"namespace\":\"default\"}"},
      {"enrollment create --id dev-1 --status disabled --device-id other",
       "PUT /enrollments/dev-1 {\"attestation\":{\"type\":\"symmetricKey\"},\"deviceId\":\"other\","
       "\"namespace\":\"default\",\"provisioningStatus\":\"disabled\"}"},
      {"enrollment create --id fleet --group --attestation x509 --certificate " + pem,
       "PUT /enrollmentGroups/fleet {\"attestation\":{\"type\":\"x509\",\"x509\":{\"signingCertificates\":"
       "{\"primary\":{\"certificate\":\"PEM\"}}}},\"namespace\":\"default\"}"},
      {"enrollment create -n dev-1 --attestation x509 --certificate " + pem + " --secondary-certificate " + pem,
       "PUT /enrollments/dev-1 {\"attestation\":{\"type\":\"x509\",\"x509\":{\"clientCertificates\":"
       "{\"primary\":{\"certificate\":\"PEM\"},\"secondary\":{\"certificate\":\"PEM\"}}}},\"namespace\":\"default\"}"},
      {"enrollment show --id dev-1", "GET /enrollments/dev-1"},
      {"enrollment show --id fleet --group", "GET /enrollmentGroups/fleet"},
      {"enrollment list", "GET /enrollments"},
      {"enrollment list --group", "GET /enrollmentGroups"},
      {"enrollment update --id dev-1 --policy line-b --status enabled",
       "PATCH /enrollments/dev-1 {\"credentialPolicyName\":\"line-b\",\"provisioningStatus\":\"enabled\"}"},
      {"enrollment delete --id fleet --group -y", "DELETE /enrollmentGroups/fleet"},
      {"enrollment create -n dev-1 --allocation static --iot-hub east",
       "PUT /enrollments/dev-1 {\"allocationPolicy\":\"static\",\"attestation\":{\"type\":\"symmetricKey\"},"
       "\"iotHubs\":[\"east\"],\"namespace\":\"default\"}"},
      {"enrollment update --id dev-1 --allocation geoLatency --any-hub --reprovision reset",
       "PATCH /enrollments/dev-1 {\"allocationPolicy\":\"geoLatency\",\"iotHubs\":[],"
       "\"reprovisionPolicy\":{\"migrateDeviceData\":false,\"updateHubAssignment\":true}}"},
      {"enrollment create --id dev-1 --initial-twin-tags {\"floor\":3}",
       "PUT /enrollments/dev-1 {\"attestation\":{\"type\":\"symmetricKey\"},\"initialTwin\":{\"properties\":"
       "{\"desired\":{}},\"tags\":{\"floor\":3}},\"namespace\":\"default\"}"},
      {"enrollment update --id dev-1 --it-props {\"rate\":5}",
       "PATCH /enrollments/dev-1 {\"initialTwin\":{\"properties\":{\"desired\":{\"rate\":5}},\"tags\":{}}}"},
      {"dps list", "GET /provisioningServices"},
      {"dps show", "GET /provisioningServices/dps"},
      {"dps show -n other", "GET /provisioningServices/other"},
      {"hub list", "GET /hubs"},
      {"hub create -n east --namespace plant --listen 127.0.0.3:0 --latency 40",
       "PUT /hubs/east {\"properties\":{\"deviceRegistry\":{\"namespaceResourceId\":\"/namespaces/plant\"},"
       "\"latencyMs\":40,\"listen\":\"127.0.0.3:0\"}}"},
      {"hub update -n east --latency 7", "PATCH /hubs/east {\"properties\":{\"latencyMs\":7}}"},
      {"hub update -n east --no-latency", "PATCH /hubs/east {\"properties\":{\"latencyMs\":null}}"},
      {"hub delete -n east -y", "DELETE /hubs/east"},
      {"hub delete -n east --override east -y", "DELETE /hubs/east?override=east"},
      {"hub show -n hub", "GET /hubs/hub"},
      {"hub certificate list --hub hub", "GET /hubs/hub/certificates"},
      {"hub certificate show --hub hub -n c1", "GET /hubs/hub/certificates/c1"},
      {"hub certificate delete --hub hub -n c1 -y", "DELETE /hubs/hub/certificates/c1"},
      {"ca list", "GET /certificateAuthorities"},
      {"ca show -n 1", "GET /certificateAuthorities/1"},
      {"registration list", "GET /registrations"},
      {"registration show --id dev-1", "GET /registrations/dev-1"},
      {"audit list", "GET /audit?top=50"},
      {"audit list --limit 5", "GET /audit?top=5"},
      {"audit list --limit 5000", "GET /audit?top=1000"},
      {"decisions list --device dev-1 --limit 3 --reason expired", "GET /decisions?top=3&device=dev-1&reason=expired"},
      {"decisions counts", "GET /decisions/counts"},
      {"status", "GET /status"},
  };
  for (const auto& [line, expected] : table) {
    std::istringstream words(line);
    const auto result = run({std::istream_iterator<std::string>(words), {}});
    EXPECT_EQ(result.status, 0) << line << '\n' << result.err;
    EXPECT_THAT(requests(), ElementsAre(expected)) << line;
  }
}

TEST_F(CliTest, bad_words_exit_2_before_anything_is_sent) {
  for (const std::string line : {"",
                                 "nonsense",
                                 "namespace",
                                 "namespace create",
                                 "namespace create -n",
                                 "policy create -n x --validity-days x",
                                 "policy create -n x --validity-days 0",
                                 "policy create -n x --validity-days -3",
                                 "policy create -n x --validity-days 99999999999",
                                 "policy update -n x",
                                 "hub update -n x",
                                 "hub update -n x --latency 5 --no-latency",
                                 "enrollment update -n x --iot-hub a --any-hub",
                                 "enrollment update -n x --allocation custom",
                                 "device update -n x",
                                 "device update -n x --enabled maybe",
                                 "device show -n a -n b",
                                 "audit list --limit 0",
                                 "-o yaml status",
                                 "enrollment create --id x --attestation tpm",
                                 "enrollment create --id x --attestation x509",
                                 "enrollment create --id x --certificate /nowhere",
                                 "enrollment create --id x --attestation x509 --certificate /nowhere",
                                 "enrollment create --id x --group --device-id y",
                                 "enrollment update --id x",
                                 "enrollment update --id x --initial-twin-tags 5",
                                 "enrollment create --id x --initial-twin-properties {",
                                 "enrollment key --id x",
                                 "enrollment create --id x --status on",
                                 "device send -n x --message hi --property novalue",
                                 "device send -n x --message hi --property =v",
                                 "namespace list -y",
                                 "credential create --key-profile rsa"}) {
    std::istringstream words(line);
    const auto result = run({std::istream_iterator<std::string>(words), {}});
    EXPECT_EQ(result.status, 2) << line;
    EXPECT_NE(result.err, "") << line;
    EXPECT_EQ(result.out, "") << line;
  }
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(CliTest, options_of_the_whole_may_stand_anywhere) {
  EXPECT_EQ(run_with({"namespace", "list", "-o", "json", "--data", folder.path()}).out, "{\n  \"value\": []\n}\n");
}

TEST_F(CliTest, refusals_show_their_sentence_and_exit_as_the_error_says) {
  for (const auto& [status, exit_status] : std::map<int, int>{{400, 2}, {404, 3}, {409, 4}, {504, 5}, {500, 1}}) {
    const json error = {{"code", "SomeCode"}, {"message", "a sentence"}, {"exitStatus", exit_status}};
    usual = {status, json{{"error", error}}.dump()};
    const auto result = run({"namespace", "show", "-n", "plant"});
    EXPECT_EQ(result.status, exit_status);
    EXPECT_EQ(result.err, "latchkey: a sentence (SomeCode)\n");
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(CliTest, error_without_an_exit_status_goes_by_http) {
  for (const auto& [status, exit_status] :
       std::map<int, int>{{400, 2}, {403, 4}, {404, 3}, {413, 2}, {500, 1}, {503, 5}}) {
    usual = {status, "no JSON"};
    EXPECT_EQ(run({"namespace", "list"}).status, exit_status) << status;
  }
}

TEST_F(CliTest, answer_that_is_no_json_is_our_fault) {
  usual = {200, "{"};
  EXPECT_EQ(run({"namespace", "list"}).status, 1);
  usual = {200, "{}"};
  EXPECT_EQ(run({"namespace", "list"}).status, 1);
}

// Rows: R-7-42
TEST_F(CliTest, irreversible_acts_need_a_yes) {
  const std::vector<std::vector<std::string>> acts = {
      {"namespace", "delete", "-n", "x"},  {"credential", "delete"},
      {"policy", "delete", "-n", "x"},     {"policy", "revoke", "-n", "x"},
      {"device", "delete", "-n", "x"},     {"device", "revoke", "-n", "x"},
      {"enrollment", "delete", "-n", "x"}, {"hub", "certificate", "delete", "--hub", "h", "-n", "x"}};
  for (const auto& act : acts) {
    const auto alone = run(act, Seat::kEmpty, "y\n");  // a pipe is not a person
    EXPECT_EQ(alone.status, 2) << act[0];
    EXPECT_THAT(alone.err, HasSubstr("-y")) << act[0];
    for (const char* typed : {"", "\n", "n\n", "yep\n"}) {
      const auto refused = run(act, Seat::kTaken, typed);
      EXPECT_EQ(refused.status, 4) << act[0];
      EXPECT_THAT(refused.err, HasSubstr("This cannot be undone. [y/N]")) << act[0];
    }
    EXPECT_THAT(requests(), IsEmpty()) << act[0];
    EXPECT_EQ(run(act, Seat::kTaken, "Y\n").status, 0) << act[0];
    EXPECT_EQ(requests().size(), 1u) << act[0];
  }
}

TEST_F(CliTest, device_table) {
  usual = {200, R"({"value":[
    {"name":"pump-7","properties":{"enabled":true,"connected":true,"uuid":"u1",
     "policy":{"resourceId":"/namespaces/default/credentials/default/policies/line-a"},"lastRevokedAt":null}},
    {"name":"gr\u00fcn","properties":{"enabled":false,"connected":null,"uuid":"u2","policy":null,
     "lastRevokedAt":"2026-11-21T13:22:18.123Z"}}]})"};
  EXPECT_EQ(run({"device", "list"}).out,
            "NAME    ENABLED  CONNECTED  POLICY  LAST REVOKED         UUID\n"
            "pump-7  yes      yes        line-a  -                    u1\n"
            "grün    no       -          -       2026-11-21 13:22:18  u2\n");
}

TEST_F(CliTest, empty_table) { EXPECT_EQ(run({"policy", "list"}).out, "none\n"); }

TEST_F(CliTest, policy_card) {
  usual = {201, R"({"name":"line-a","systemData":{"createdAt":"2026-11-21T13:22:18.123Z"},"properties":{"certificate":{
    "certificateAuthorityConfiguration":{"keyProfile":"ec-p256","subject":"CN=07b5","validityNotAfter":"2027-11-21T13:22:18.000Z"},
    "leafCertificateConfiguration":{"validityPeriodInDays":30}}}})"};
  EXPECT_EQ(run({"policy", "create", "-n", "line-a"}).out,
            "NAME        line-a\n"
            "DAYS        30\n"
            "KEY         ec-p256\n"
            "ISSUING CA  CN=07b5\n"
            "OWN ROOT    -\n"
            "NOT AFTER   2027-11-21 13:22:18\n"
            "CREATED     2026-11-21 13:22:18\n");
}

TEST_F(CliTest, csr_that_waits_is_shown_or_written_to_a_new_file) {
  usual = {200, R"({"properties":{"certificate":{"certificateAuthorityConfiguration":{"bringYourOwnRoot":{
    "status":"PendingActivation","certificateSigningRequest":"the CSR\n"}}}}})"};
  EXPECT_EQ(run({"policy", "csr", "show", "-n", "line-a"}).out, "the CSR\n");
  EXPECT_THAT(requests(), ElementsAre("GET /namespaces/default/credentials/default/policies/line-a"));
  const auto file = folder.file("line-a.csr");
  EXPECT_EQ(run({"policy", "csr", "show", "-n", "line-a", "--out", file}).status, 0);
  EXPECT_EQ(read_file(file), "the CSR\n");
  EXPECT_EQ(run({"policy", "csr", "show", "-n", "line-a", "--out", file}).status, 2) << "never over an old one";
}

TEST_F(CliTest, csr_that_does_not_wait_is_a_refusal) {
  usual = {200, R"({"properties":{"certificate":{"certificateAuthorityConfiguration":{"bringYourOwnRoot":{
    "status":"Active","certificateSigningRequest":null}}}}})"};
  const auto active = run({"policy", "csr", "show", "-n", "line-a", "--out", folder.file("none")});
  EXPECT_EQ(active.status, 4);
  EXPECT_THAT(active.err, HasSubstr("line-a"));
  EXPECT_EQ(read_file(folder.file("none")), "");
  usual = {200, R"({"properties":{"certificate":{"certificateAuthorityConfiguration":{}}}})"};
  EXPECT_EQ(run({"policy", "csr", "show", "-n", "line-a"}).status, 4) << "a standard policy";
}

TEST_F(CliTest, chain_that_cannot_be_read_is_not_sent) {
  EXPECT_EQ(run({"policy", "activate-byor", "-n", "line-a", "--ccf", folder.file("nowhere")}).status, 2);
  EXPECT_THAT(requests(), IsEmpty());
}

TEST_F(CliTest, http_dates_are_shown_like_all_others) {
  usual = {200,
           R"({"value":[{"name":"c1","properties":{"subject":"CN=a","expiry":"Sat, 21 Nov 2026 13:22:18 GMT"}}]})"};
  EXPECT_THAT(run({"hub", "certificate", "list", "--hub", "hub"}).out, HasSubstr("2026-11-21 13:22:18"));
}

TEST_F(CliTest, status_shows_the_gates) {
  usual = {200, R"({"version":"0.1.0","dataFolder":"/d","idScope":"0ne1","keyProfile":"ec-p256","rehearsal":true,
    "startedAt":"2026-11-21T13:22:18.000Z","clock":"2026-12-21T13:22:18.000Z","newestSequence":12,
    "roles":"seed","subscription":"7a1d6a3e-0000-4000-8000-000000000001","parity":["azure-preview","azure-roles"],
    "gates":[{"endpoint":"hub","address":"127.0.0.1:8883","ready":true,"behind":0,"connections":3,"messages":4,
              "restarts":0,"brokerPid":42}]})"};
  EXPECT_EQ(run({"status"}).out,
            "VERSION       0.1.0\n"
            "DATA FOLDER   /d\n"
            "ID SCOPE      0ne1\n"
            "KEY PROFILE   ec-p256\n"
            "REHEARSAL     yes\n"
            "STARTED       2026-11-21 13:22:18\n"
            "CLOCK         2026-12-21 13:22:18\n"
            "CHANGES       12\n"
            "ROLES         seed\n"
            "SUBSCRIPTION  7a1d6a3e-0000-4000-8000-000000000001\n"
            "PARITY        azure-preview, azure-roles\n"
            "\n"
            "ENDPOINT  ADDRESS         READY  BEHIND  CONNECTIONS  MESSAGES  RESTARTS  PID\n"
            "hub       127.0.0.1:8883  yes    0       3            4         0         42\n");
}

TEST_F(CliTest, status_shows_the_nodes_of_a_hub_that_is_one_of_several) {
  usual = {200, R"({"version":"0.1.0","gates":[],
    "nodes":[{"name":"a","state":"live","self":true,"onDuty":true,"address":"192.0.2.1:8883","leaseMs":8000,
              "leaseLeftMs":6200,"sessions":12,"behind":0},
             {"name":"b","state":"lost","self":false,"onDuty":false,"address":"192.0.2.1:8883","leaseMs":8000,
              "sessions":null,"behind":null}]})"};
  const auto out = run({"status"}).out;
  EXPECT_THAT(out, HasSubstr("NODE  STATE  THIS  ON DUTY  ADDRESS         LEASE MS  SESSIONS  BEHIND\n"
                             "a     live   yes   yes      192.0.2.1:8883  8000      12        0\n"
                             "b     lost   no    no       192.0.2.1:8883  8000"));
  EXPECT_EQ(json::parse(run({"status", "-o", "json"}).out).at("nodes")[0].at("leaseLeftMs"), 6200);
}

TEST_F(CliTest, what_a_peer_chose_cannot_command_the_terminal) {
  usual = {200, R"({"value":[{"clientId":"a\u001b[2Jb","reason":"expired"}]})"};
  const auto out = run({"decisions", "list"}).out;
  EXPECT_THAT(out, HasSubstr("a?[2Jb"));
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
}

TEST_F(CliTest, json_is_the_resource_as_the_api_gives_it) {
  const auto resource = json::parse(R"({"name":"plant","properties":{"uuid":"u"}})");
  usual = {200, resource.dump()};
  EXPECT_EQ(json::parse(run({"namespace", "show", "-n", "plant", "-o", "json"}).out), resource);
  usual = {204, ""};
  EXPECT_EQ(run({"namespace", "delete", "-n", "plant", "-y", "-o", "json"}).out, "");
}

TEST_F(CliTest, list_follows_the_pages_and_stops_at_the_limit) {
  answers["/namespaces/default/devices?top=1000"] = {200,
                                                     R"({"value":[{"name":"a"},{"name":"b"}],"nextLink":"/next?x=1"})"};
  answers["/next?x=1"] = {200, R"({"value":[{"name":"c"}]})"};
  const auto all = json::parse(run({"device", "list", "-o", "json"}).out);
  EXPECT_EQ(all["value"].size(), 3u);
  EXPECT_FALSE(all.contains("nextLink"));
  requests();
  EXPECT_EQ(json::parse(run({"device", "list", "-o", "json", "--limit", "1"}).out)["value"].size(), 1u);
  EXPECT_EQ(requests().size(), 1u);
}

TEST_F(CliTest, enrollment_key_goes_to_a_new_0600_file_and_never_to_the_terminal) {
  usual = {200, R"({"type":"symmetricKey","symmetricKey":{"primaryKey":"cHJpbWFyeQ==","secondaryKey":"c2Vj"}})"};
  const auto file = folder.file("key");
  const auto result = run({"enrollment", "key", "--id", "dev-1", "--out", file});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(requests(), ElementsAre("POST /enrollments/dev-1/attestationmechanism"));
  EXPECT_EQ(read_file(file), "cHJpbWFyeQ==\n");
  EXPECT_EQ((result.out + result.err).find("cHJpbWFyeQ=="), std::string::npos);
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(CliTest, enrollment_key_is_not_written_over_a_file_nor_through_a_link) {
  usual = {200, R"({"type":"symmetricKey","symmetricKey":{"primaryKey":"cHJpbWFyeQ==","secondaryKey":"c2Vj"}})"};
  const auto file = folder.file("key");
  std::ofstream(file) << "old";
  EXPECT_EQ(run({"enrollment", "key", "--id", "dev-1", "--out", file}).status, 2);
  EXPECT_EQ(read_file(file), "old");
  ASSERT_EQ(symlink((folder.file("elsewhere")).c_str(), (folder.file("link")).c_str()), 0);
  EXPECT_EQ(run({"enrollment", "key", "--id", "dev-1", "--out", folder.file("link")}).status, 2);
  EXPECT_NE(access((folder.file("elsewhere")).c_str(), F_OK), 0);
  EXPECT_THAT(requests(), IsEmpty());  // nor was it read, which would be audited
}

TEST_F(CliTest, enrollment_key_that_is_not_there_leaves_no_file) {
  usual = {200, R"({"type":"x509"})"};
  const auto file = folder.file("key");
  EXPECT_EQ(run({"enrollment", "key", "--id", "dev-1", "--out", file}).status, 4);
  EXPECT_NE(access(file.c_str(), F_OK), 0);
}

TEST_F(CliTest, enrollment_key_goes_to_standard_output_only_when_it_is_told_to) {
  usual = {200, R"({"type":"symmetricKey","symmetricKey":{"primaryKey":"cHJpbWFyeQ==","secondaryKey":"c2Vj"}})"};
  EXPECT_EQ(run({"enrollment", "key", "--id", "dev-1", "--out", "-"}).out, "cHJpbWFyeQ==\n");
  EXPECT_EQ(run({"enrollment", "key", "--id", "dev-1", "--secondary", "--out", "-"}).out, "c2Vj\n");
}

TEST(CliAlone, no_hub_running_is_said_with_the_folder) {
  const tests::MemoryFolder folder;
  const auto result = run_with({"status", "--data", folder.path()});
  EXPECT_EQ(result.status, 5);
  EXPECT_THAT(result.err, HasSubstr("no hub is running on the data folder " + folder.path().string()));
}

TEST(CliAlone, data_folder_with_too_long_a_path_is_refused) {
  const auto result = run_with({"status", "--data", "/" + std::string(120, 'x')});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("107"));
}

TEST(CliAlone, help_exits_0_and_shows_an_example_for_every_noun) {
  EXPECT_EQ(run_with({"--help"}).status, 0);
  for (const std::string noun : {"namespace", "credential", "policy", "device", "enrollment", "hub", "ca",
                                 "registration", "audit", "decisions"}) {
    const auto help = run_with({noun, "--help"});
    EXPECT_EQ(help.status, 0) << noun;
    EXPECT_THAT(help.out, HasSubstr("Example:")) << noun;
    EXPECT_THAT(help.out, HasSubstr("latchkey " + noun)) << noun;
  }
  EXPECT_THAT(run_with({"device", "revoke", "--help"}).out, HasSubstr("--disable"));
}

TEST(CliAlone, version_is_told_without_a_verb) {
  const auto told = run_with({"--version"});
  EXPECT_EQ(told.status, 0);
  EXPECT_THAT(told.out, testing::StartsWith("latchkey 0."));
}

TEST(CliAlone, local_verb_gets_the_data_folder) {
  std::string seen;
  const std::vector<LocalVerb> local = {{"up", "Start a hub", nullptr, [&seen](const std::string& data_folder) {
                                           seen = data_folder;
                                           return 7;
                                         }}};
  EXPECT_EQ(run_with({"up", "--data", "/somewhere"}, Seat::kEmpty, "", local).status, 7);
  EXPECT_EQ(seen, "/somewhere");
}

TEST(CliAlone, data_folder_comes_from_the_environment_when_it_is_not_given) {
  setenv("LATCHKEY_DATA", "/from/environment", 1);
  EXPECT_EQ(default_data_folder(), "/from/environment");
  unsetenv("LATCHKEY_DATA");
  setenv("HOME", "/home/somebody", 1);
  EXPECT_EQ(default_data_folder(), ::geteuid() == 0 ? "/var/lib/latchkey" : "/home/somebody/.local/share/latchkey");
}

}  // namespace
}  // namespace latchkey::hub::cli
