// SPDX-License-Identifier: Apache-2.0
// The management API over HTTPS, from the command line's end: tokens, certificates, links, and what is no HTTPS.
#include "hub/cli/https_client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "hub/cli/cli.h"
#include "hub/management/server.h"
#include "platform/openssl/certificate_builder.h"
#include "platform/openssl/pem.h"
#include "tests/unit/hub/management/role_support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::Not;

class Https : public RolesTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(put("/namespaces/default").status, 201);
    ASSERT_TRUE(registry->create_device({"test", clock.now()}, "default", "pump"));
    make_certificate("server", {"127.0.0.1"});
    TlsServerOptions options;
    options.files = {file("server.pem"), file("server.key")};
    options.request_timeout = std::chrono::milliseconds(2000);
    authenticator = std::make_unique<Authenticator>(*registry, clock);
    auto started = Server::start_tls(
        options, [this](const Request& asked) { return management->handle(asked); },
        [this](std::string_view field, const std::string& from) { return authenticator->authenticate(field, from); });
    ASSERT_TRUE(started) << started.error().detail;
    server = std::move(*started);
    const auto made = put("/principals/ci", {{"properties", json::object()}});
    ASSERT_EQ(made.status, 201) << made.body;
    write("token", made.body["properties"]["token"].get<std::string>() + "\n");
  }

  std::string file(const std::string& name) const { return folder.file(name); }
  void write(const std::string& name, const std::string& text) { std::ofstream(file(name)) << text; }
  void make_certificate(const std::string& name, const std::vector<std::string>& ip) {
    const auto key = openssl::make_ec_key("P-256");
    openssl::CertificateBuilder builder;
    builder.serial(std::array<std::uint8_t, 4>{1, 2, 3, 4})
        .subject("server")
        .issuer_is_subject()
        .validity(1'577'836'800'000, 2'524'608'000'000)
        .end_entity()
        .key_usage(KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN)
        .extended_key_usage(NID_server_auth)
        .alternative_names({"localhost"}, ip)
        .public_key(key.get());
    const auto certificate = builder.sign(key.get());
    const auto pem = openssl::certificate_to_pem(certificate.get());
    const auto key_pem = openssl::key_to_pem(key.get());
    write(name + ".pem", {pem.begin(), pem.end()});
    write(name + ".key", {key_pem.begin(), key_pem.end()});
  }
  std::string url(const std::string& host = "127.0.0.1") const {
    return "https://" + host + ":" + std::to_string(server->port());
  }
  int run(const std::vector<std::string>& words) {
    std::vector<const char*> arguments = {"latchkey"};
    for (const auto& word : words) arguments.push_back(word.c_str());
    std::istringstream in;
    std::ostringstream to_out;
    std::ostringstream to_err;
    const int status =
        cli::run_cli(static_cast<int>(arguments.size()), arguments.data(), {in, to_out, to_err, false}, {});
    out = to_out.str();
    err = to_err.str();
    return status;
  }
  int list(const std::string& endpoint, const std::string& token = "token", const std::string& ca = "server.pem") {
    return run({"--endpoint", endpoint, "--token-file", file(token), "--ca", file(ca), "device", "list"});
  }
  std::unique_ptr<cli::Api> api() {
    auto made = cli::https_api({url(), file("token"), file("server.pem")});
    EXPECT_TRUE(made);
    return std::move(*made);
  }

  std::string out, err;
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<Server> server;
};

TEST_F(Https, verb_is_answered_to_who_shows_a_token_with_the_role) {
  EXPECT_EQ(list(url()), 4) << out;
  EXPECT_THAT(err, HasSubstr("AuthorizationFailed"));
  give("ci", "Azure Device Registry Contributor", the_namespace());
  ASSERT_EQ(list(url()), 0) << err;
  EXPECT_THAT(out, HasSubstr("pump"));
  EXPECT_EQ(list(url("localhost")), 0) << err;
  EXPECT_THAT(newest_audit().dump(), Not(HasSubstr("lk1_")));
}

TEST_F(Https, without_a_good_token_nothing_is_answered_but_401) {
  write("bad", "lk1_0123456789012345678901234567890123456789012\n");
  EXPECT_EQ(list(url(), "bad"), 4);
  EXPECT_THAT(err, HasSubstr("InvalidAuthenticationToken"));
  write("nonsense", "x\n");
  EXPECT_EQ(list(url(), "nonsense"), 4);
  ASSERT_EQ(post("/principals/ci/revoke").status, 200);
  EXPECT_EQ(list(url()), 4);
}

TEST_F(Https, server_that_is_another_is_not_shown_the_token) {
  make_certificate("other", {"127.0.0.1"});
  EXPECT_EQ(list(url(), "token", "other.pem"), 4);
  EXPECT_THAT(err, HasSubstr("no TLS with"));
  EXPECT_EQ(list(url("127.0.0.2")), 5) << "it listens on one address";
}

TEST_F(Https, certificate_has_to_name_the_host) {
  server->stop();
  make_certificate("server", {"10.0.0.1"});
  TlsServerOptions options;
  options.files = {file("server.pem"), file("server.key")};
  auto started = Server::start_tls(
      options,
      [](const Request&) {
        return Response{200, "{}"};
      },
      [](std::string_view, const std::string&) -> registry::Outcome<Caller> { return Caller{}; });
  ASSERT_TRUE(started);
  server = std::move(*started);
  EXPECT_EQ(list(url()), 4);
  EXPECT_EQ(list(url("localhost")), 1) << "TLS holds, and the answer is no list";
}

TEST_F(Https, list_goes_on_by_absolute_links) {
  give("ci", "Azure Device Registry Contributor", the_namespace());
  for (const char* id : {"a-1", "b-2"}) ASSERT_TRUE(registry->create_device({"test", clock.now()}, "default", id));
  const auto client = api();
  const auto first = cli::call(*client, "GET", "/namespaces/default/devices?top=2", {});
  ASSERT_TRUE(first) << first.error().message;
  const std::string link = first->at("nextLink");
  EXPECT_EQ(link.rfind(url() + "/namespaces/", 0), 0u) << link;
  const auto second = cli::call(*client, "GET", link, {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->at("value")[0]["name"], "pump");
  EXPECT_FALSE(cli::call(*client, "GET", "https://elsewhere:8443/namespaces/default/devices", {}));
}

TEST_F(Https, full_paths_and_operations_work_over_it) {
  give("ci", "Azure Device Registry Contributor", the_namespace());
  const auto client = api();
  const std::string version = "?api-version=2026-03-01-preview";
  const auto begun = client->exchange("DELETE", the_namespace() + "/devices/pump" + version, "");
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->status, 202) << begun->body;
  EXPECT_EQ(client->exchange("GET", the_namespace() + "/devices/pump" + version, "")->status, 404);
}

TEST_F(Https, what_cannot_be_an_endpoint_is_bad_input) {
  for (const auto* bad : {"http://127.0.0.1:1", "127.0.0.1:1", "https://", "https://host:port", "https://a/b"}) {
    EXPECT_EQ(list(bad), 2) << bad;
  }
  EXPECT_EQ(list(url(), "missing"), 2);
  EXPECT_EQ(list(url(), "token", "missing"), 2);
  EXPECT_EQ(run({"--token-file", file("token"), "device", "list"}), 2);
}

int connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  return connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? descriptor : -1;
}

TEST_F(Https, who_speaks_no_tls_is_hung_up_on_and_others_are_served) {
  const int plain = connect_to(server->port());
  const int silent = connect_to(server->port());
  ASSERT_GE(plain, 0);
  ASSERT_GE(silent, 0);
  const std::string text = "GET /namespaces HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(send(plain, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  give("ci", "Azure Device Registry Contributor", the_namespace());
  EXPECT_EQ(list(url()), 0) << err;
  for (const int descriptor : {plain, silent}) {
    char buffer[256];
    std::string answer;
    for (ssize_t count = 0; (count = read(descriptor, buffer, sizeof buffer)) > 0;) {
      answer.append(buffer, static_cast<std::size_t>(count));
    }
    EXPECT_THAT(answer, Not(HasSubstr("HTTP/1.1")));
    close(descriptor);
  }
}

}  // namespace
}  // namespace latchkey::hub::management
