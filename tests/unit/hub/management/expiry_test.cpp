// SPDX-License-Identifier: Apache-2.0
// Expiry reports on the routes; what they count is tests/unit/registry/operations/expiry_test.cpp's.
#include <ctime>
#include <set>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

class MovableClock final : public ports::Clock {
 public:
  UnixMs now() const override { return at; }
  ports::MonotonicMs monotonic() const override { return 0; }
  UnixMs at = 1'795'266'138'000;
};

class PlayedServer final : public OwnCertificates {
 public:
  std::vector<Own> own_certificates() override { return {{"server.pem", der}}; }
  registry::Bytes der;
};

registry::Bytes der_of(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  registry::Bytes bytes(der, der + size);
  OPENSSL_free(der);
  X509_free(certificate);
  BIO_free(bio);
  return bytes;
}

class ExpiryRoutes : public ManagementTest {
 protected:
  static constexpr UnixMs kDayMs = 86'400'000;

  void SetUp() override {
    server.der = der_of(certificate_pem(Kind::kLeaf));  // ends an hour from the real now
    Parts parts{*registry, hub_clock, played, played, played, played};
    parts.own_certificates = &server;
    management = std::make_unique<Management>(parts);
    furnish();
    ASSERT_EQ(
        put("/enrollmentGroups/line", {{"credentialPolicyName", "pol"}, {"attestation", {{"type", "symmetricKey"}}}})
            .status,
        201);
  }
  void provision(const std::string& id) {
    const registry::Call call{"test", hub_clock.now()};
    const auto group = registry->find_enrollment("line", true);
    const registry::Bytes serial{0x40, static_cast<std::uint8_t>(++serials_)};
    ASSERT_TRUE(registry->register_device(call, {id, group->uuid, true, serial, id}));
    ASSERT_TRUE(registry->finish_issuance(call, serial));
  }
  std::set<std::string> kinds(const std::string& query) {
    std::set<std::string> kinds;
    const auto seen = get("/expiry?" + query);
    EXPECT_EQ(seen.status, 200) << seen.body;
    for (const auto& one : seen.body["certificateAuthorities"]) kinds.insert(one["kind"].get<std::string>());
    return kinds;
  }

  MovableClock hub_clock;
  PlayedServer server;

 private:
  int serials_ = 0;
};

TEST_F(ExpiryRoutes, report_counts_by_policy_and_hub_and_in_sum) {
  for (const char* id : {"dev-1", "dev-2"}) provision(id);
  hub_clock.at += 27 * kDayMs;
  provision("dev-2");
  const auto seen = get("/expiry?within=10");
  ASSERT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(seen.body["withinDays"], 10);
  ASSERT_EQ(seen.body["groups"].size(), 1u);
  const auto& group = seen.body["groups"][0];
  EXPECT_EQ(group["namespace"], "default");
  EXPECT_EQ(group["policy"], "pol");
  EXPECT_EQ(group["hub"], "hub");
  EXPECT_EQ(group["expiring"], 1);
  EXPECT_EQ(group["overdue"], 1);
  EXPECT_EQ(group["ends"], json::array({{{"withinDays", 1}, {"devices", 0}},
                                        {{"withinDays", 3}, {"devices", 1}},
                                        {{"withinDays", 7}, {"devices", 0}},
                                        {{"withinDays", 10}, {"devices", 0}}}));
  EXPECT_EQ(seen.body["devices"]["overdue"], 1);
  EXPECT_EQ(seen.body["devices"]["expiring"], 1);
}

TEST_F(ExpiryRoutes, names_come_in_pages_of_the_same_question) {
  for (const char* id : {"dev-1", "dev-2", "dev-3"}) provision(id);
  std::string target = "/expiry/devices?within=30&top=2&policy=pol";
  std::string names;
  int pages = 0;
  while (!target.empty()) {
    const auto seen = get(target);
    ASSERT_EQ(seen.status, 200) << target << seen.body;
    for (const auto& row : seen.body["value"]) names += row["device"].get<std::string>() + " ";
    target = seen.body.value("nextLink", "");
    ASSERT_LE(++pages, 2);
  }
  EXPECT_EQ(names, "dev-1 dev-2 dev-3 ");
  EXPECT_TRUE(get("/expiry/devices?within=29").body["value"].empty());
  EXPECT_TRUE(get("/expiry/devices?state=overdue").body["value"].empty());
  hub_clock.at += 26 * kDayMs;
  EXPECT_EQ(get("/expiry/devices?state=overdue").body["value"].size(), 3u);
  EXPECT_EQ(get("/expiry/devices?state=overdue").body["value"][0]["state"], "overdue");
}

TEST_F(ExpiryRoutes, authorities_are_those_that_end_in_time) {
  EXPECT_TRUE(kinds("within=30").count("root") == 0);
  EXPECT_EQ(kinds("within=366&namespace=default"), (std::set<std::string>{"root", "issuing"}));
  EXPECT_EQ(kinds("within=366&policy=pol"), std::set<std::string>{"issuing"});
  EXPECT_EQ(kinds("within=366&hub=hub"), std::set<std::string>{"issuing"});
  ASSERT_EQ(remove(kPolicies + "/pol").status, 204);
  const auto left = get("/expiry?within=366").body["certificateAuthorities"];
  const auto issuing = std::find_if(left.begin(), left.end(), [](const json& one) { return one["kind"] == "issuing"; });
  ASSERT_NE(issuing, left.end()) << "the hub trusts it still";
  EXPECT_EQ((*issuing)["hub"], "hub");
}

TEST_F(ExpiryRoutes, enrollments_and_the_server_certificate_are_looked_at) {
  hub_clock.at = static_cast<UnixMs>(std::time(nullptr)) * 1000;
  const auto pem = certificate_pem(Kind::kCa);
  ASSERT_EQ(put("/enrollmentGroups/by-ca",
                {{"attestation",
                  {{"type", "x509"}, {"x509", {{"signingCertificates", {{"primary", {{"certificate", pem}}}}}}}}}})
                .status,
            201);
  EXPECT_EQ(kinds("within=1"), (std::set<std::string>{"enrollmentGroup", "server"}));
  EXPECT_EQ(kinds("within=1&policy=pol"), std::set<std::string>{}) << "they are no policy's";
}

TEST_F(ExpiryRoutes, what_cannot_be_read_or_is_not_there_is_refused) {
  for (const char* query : {"within=0", "within=3651", "within=x", "within=-1", "within=1.5", "within=", "expired=0",
                            "within=1&within=2", "colour=red"}) {
    EXPECT_EQ(get("/expiry?" + std::string(query)).status, 400) << query;
    EXPECT_EQ(get("/expiry/devices?" + std::string(query)).status, 400) << query;
  }
  for (const char* query :
       {"state=fresh", "state=late", "state=", "top=0", "top=1001", "skipToken=x", "skipToken=12-zz"}) {
    EXPECT_EQ(get("/expiry/devices?" + std::string(query)).status, 400) << query;
  }
  EXPECT_EQ(get("/expiry/devices?skipToken=x").target(), "skipToken");
  for (const char* query : {"namespace=none", "policy=none", "hub=none"}) {
    EXPECT_EQ(get("/expiry?" + std::string(query)).status, 404) << query;
    EXPECT_EQ(get("/expiry/devices?" + std::string(query)).status, 404) << query;
  }
}

}  // namespace
}  // namespace latchkey::hub::management
