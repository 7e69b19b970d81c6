// SPDX-License-Identifier: Apache-2.0
#include "hub/revocation/service.h"

#include <gmock/gmock.h>

#include "hub/ca/crl_publisher.h"
#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::revocation {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using World = ca::test::World;
using ca::test::kNow;

// Repeats what it was asked; reusable when told so.
class Echo : public Responder {
 public:
  OcspReply answer(ByteView request) override {
    asked.emplace_back(request.begin(), request.end());
    OcspReply reply{{0x30, 0x03, 0x0a, 0x01, 0x00}, reusable, kNow, kNow + 3'600'000};
    return reply;
  }
  bool reusable = true;
  std::vector<registry::Bytes> asked;
};

class ServiceTest : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    ca::CrlPublisher::Options options;
    options.folder = folder_ / "crl";
    publisher_ = std::make_unique<ca::CrlPublisher>(
        *registry_, *authority_, [this] { return now_; }, options, nullptr);
    std::filesystem::create_directories(options.folder);
    publish();
    lists_ = std::make_unique<ListFolder>(options.folder);
    service_ = std::make_unique<Service>(
        *registry_, *lists_, echo_, [this] { return now_; }, Service::Options{});
  }
  void TearDown() override {
    publisher_.reset();
    World::TearDown();
  }
  void publish() {
    const auto published = publisher_->publish();
    ASSERT_TRUE(published) << published.error().detail;
  }
  http::Response get(const std::string& path, http::Fields fields = {}, const std::string& method = "GET") {
    return service_->handle({method, path, "", std::move(fields), "", {}});
  }
  http::Response post(const std::string& path, const std::string& type, const std::string& body = "question") {
    return service_->handle({"POST", path, "", {{"Content-Type", type}}, body, {}});
  }
  static std::string text_of(const Uuid& id) { return std::string(view(to_text(id))); }
  std::string crl_path(const registry::CaCertificate& ca) const { return "/crl/" + text_of(ca.id) + ".crl"; }
  static std::string field(const http::Response& response, const std::string& name) {
    for (const auto& [one, value] : response.fields) {
      if (one == name) return value;
    }
    return {};
  }
  // The issuing CA is revoked and replaced.
  registry::CaCertificate revoke_policy() {
    const auto replacement = authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow);
    EXPECT_TRUE(registry_->revoke_policy(call_, "space", "policy", *replacement));
    return *registry_->find_ca(replacement->id);
  }
  static int lists_in(const std::string& pem) {
    int count = 0;
    for (auto at = pem.find("BEGIN X509 CRL"); at != std::string::npos; at = pem.find("BEGIN X509 CRL", at + 1))
      ++count;
    return count;
  }

  UnixMs now_ = kNow;
  Echo echo_;
  std::unique_ptr<ca::CrlPublisher> publisher_;
  std::unique_ptr<ListFolder> lists_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, list_of_a_ca_is_served_as_it_lies_there) {
  const auto response = get(crl_path(issuing_));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/pkix-crl");
  const auto file = ca::test::get(publisher_->file_of(issuing_.id));
  EXPECT_EQ(response.body, ByteView(file).text());
}

TEST_F(ServiceTest, shard_is_served_at_its_own_address_and_in_no_other_spelling) {
  ca::CrlPublisher::Options options;
  options.folder = folder_ / "crl";
  options.splits = {{12, {"http://h/crl"}}};
  publisher_ = std::make_unique<ca::CrlPublisher>(
      *registry_, *authority_, [this] { return now_; }, options, nullptr);
  publish();
  const auto ca = "/crl/" + text_of(issuing_.id);
  for (const char* one : {"/12/0.crl", "/12/11.crl"}) {
    const auto response = get(ca + one);
    EXPECT_EQ(response.status, 200) << one;
    EXPECT_EQ(response.content_type, "application/pkix-crl");
    EXPECT_EQ(response.body, ByteView(ca::test::get(folder_ / ("crl/" + text_of(issuing_.id) + one))).text());
  }
  EXPECT_NE(get(ca + "/12/0.crl").body, get(ca + "/12/1.crl").body);
  for (const char* none : {"/12/12.crl", "/12/-1.crl", "/12/00.crl", "/012/0.crl", "/+12/0.crl", "/12/0.crl/", "/12/0",
                           "/12//0.crl", "//12/0.crl", "/12/0.CRL", "/12/../12/0.crl", "/13/0.crl", "/1/0.crl", "/12/",
                           "/12", "/", "/99999999999999999999/0.crl", "/12/0x0.crl", "/12/ 0.crl"}) {
    EXPECT_EQ(get(ca + none).status, 404) << none;
  }
  EXPECT_EQ(get("/crl/" + text_of(root_.id) + "/12/0.crl").status, 404) << "a root's list is whole";
}

TEST_F(ServiceTest, answers_carry_the_fields_that_caches_go_by) {
  now_ = kNow + 60'000;
  const auto response = get(crl_path(issuing_));
  EXPECT_EQ(field(response, "Date"), "Sun, 15 Jun 2025 15:07:40 GMT");
  EXPECT_EQ(field(response, "Last-Modified"), "Sun, 15 Jun 2025 15:06:40 GMT");
  EXPECT_EQ(field(response, "Expires"), "Sun, 22 Jun 2025 15:06:40 GMT");
  EXPECT_EQ(field(response, "Cache-Control"), "max-age=1, public, no-transform, must-revalidate");
  EXPECT_EQ(field(response, "ETag").size(), 34u);
}

TEST_F(ServiceTest, nobody_may_keep_a_list_beyond_its_next_update) {
  now_ = kNow + 7 * ca::kDayMs;
  EXPECT_THAT(field(get(crl_path(issuing_)), "Cache-Control"), HasSubstr("max-age=0,"));
}

TEST_F(ServiceTest, content_that_is_known_is_not_sent_again) {
  const auto tag = field(get(crl_path(issuing_)), "ETag");
  for (const std::string& field_value : {tag, "\"other\", " + tag, "W/" + tag, std::string("*")}) {
    const auto response = get(crl_path(issuing_), {{"If-None-Match", field_value}});
    EXPECT_EQ(response.status, 304) << field_value;
    EXPECT_THAT(response.body, IsEmpty());
    EXPECT_EQ(field(response, "ETag"), tag);
  }
  for (const std::string& field_value : {std::string("\"other\""), std::string(""), tag.substr(1), std::string(",")}) {
    EXPECT_EQ(get(crl_path(issuing_), {{"If-None-Match", field_value}}).status, 200) << field_value;
  }
}

TEST_F(ServiceTest, new_list_is_served_at_once_under_another_tag) {
  const auto before = get(crl_path(root_));
  revoke_policy();
  publish();
  const auto after = get(crl_path(root_), {{"If-None-Match", field(before, "ETag")}});
  EXPECT_EQ(after.status, 200);
  EXPECT_NE(after.body, before.body);
}

TEST_F(ServiceTest, certificate_of_a_ca_is_served_revoked_ones_included) {
  revoke_policy();
  for (const auto& ca : {root_, issuing_}) {
    const auto response = get("/ca/" + text_of(ca.id) + ".cer");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/pkix-cert");
    EXPECT_EQ(response.body, ByteView(ca.der).text());
  }
}

TEST_F(ServiceTest, all_lists_leave_out_revoked_and_expired_cas) {
  const auto first = get("/crl/all.pem");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(lists_in(first.body), 2);
  revoke_policy();
  publish();
  const auto second = get("/crl/all.pem");
  EXPECT_EQ(lists_in(second.body), 2) << "root and the new issuing CA";
  ca::test::put(folder_ / "all.pem", second.body);
  const auto shown = ca::test::run(folder_.path(), "openssl crl -in all.pem -noout -issuer");
  EXPECT_EQ(shown.status, 0) << shown.output;
  now_ = root_.not_after;
  EXPECT_EQ(get("/crl/all.pem").status, 404);
}

TEST_F(ServiceTest, retired_cas_list_stays_among_all) {
  ASSERT_TRUE(registry_->delete_policy(call_, "space", "policy"));
  EXPECT_EQ(lists_in(get("/crl/all.pem").body), 2) << "its leaves go on working";
}

TEST_F(ServiceTest, addresses_that_name_nothing_are_404) {
  const auto id = text_of(issuing_.id);
  std::string upper = id;
  for (char& c : upper) c = static_cast<char>(toupper(c));
  for (const std::string& path : {std::string("/"),
                                  std::string(""),
                                  std::string("/crl"),
                                  std::string("/crl/"),
                                  std::string("/crl/.crl"),
                                  "/crl/" + id,
                                  "/crl/" + id + ".crl/",
                                  "/crl//" + id + ".crl",
                                  "/crl/" + id + ".cer",
                                  "/ca/" + id + ".crl",
                                  "/crl/" + upper + ".crl",
                                  "/crl/" + std::string(36, '0') + ".crl",
                                  "/crl/../crl/" + id + ".crl",
                                  "/crl/%2e%2e/" + id + ".crl",
                                  "/crl/" + id + "%2ecrl",
                                  std::string("/crl/../registry.db"),
                                  std::string("/crl/..%2fregistry.db"),
                                  std::string("/ca/../keys/a.pem"),
                                  std::string("//crl/all.pem"),
                                  std::string("/crl/all.pem/"),
                                  std::string("/CRL/all.pem"),
                                  std::string("/ocspx"),
                                  std::string("/crl/\0", 6)}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
  EXPECT_EQ(get("/ca/" + text_of(Uuid{}) + ".cer").status, 404);
  EXPECT_EQ(get("/crl/" + text_of(Uuid{}) + ".crl").status, 404);
}

TEST_F(ServiceTest, what_is_no_list_is_not_served) {
  ca::test::put(publisher_->file_of(issuing_.id), ByteView(std::string_view("rubbish")));
  EXPECT_EQ(get(crl_path(issuing_)).status, 404);
  std::filesystem::remove(publisher_->file_of(issuing_.id));
  EXPECT_EQ(get(crl_path(issuing_)).status, 404);
  std::filesystem::create_directory(publisher_->file_of(issuing_.id));
  EXPECT_EQ(get(crl_path(issuing_)).status, 404);
}

TEST_F(ServiceTest, other_methods_are_405_and_are_told_which_there_are) {
  for (const std::string& path : {crl_path(issuing_), "/ca/" + text_of(root_.id) + ".cer", std::string("/crl/all.pem"),
                                  std::string("/ocsp/MAA=")}) {
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get"}) {
      const auto response = get(path, {}, method);
      EXPECT_EQ(response.status, 405) << method << " " << path;
      EXPECT_EQ(field(response, "Allow"), "GET, HEAD");
    }
    EXPECT_EQ(get(path, {}, "HEAD").status, 200);
  }
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
    for (const char* path : {"/ocsp", "/ocsp/"}) {
      const auto response = get(path, {}, method);
      EXPECT_EQ(response.status, 405) << method;
      EXPECT_EQ(field(response, "Allow"), "POST");
    }
  }
  EXPECT_EQ(echo_.asked.size(), 1u) << "the HEAD and no other";
}

TEST_F(ServiceTest, question_in_a_body_reaches_the_responder_and_its_answer_is_nobody_elses) {
  for (const char* type : {"application/ocsp-request", "Application/OCSP-Request ; x=y"}) {
    const auto response = post("/ocsp", type);
    EXPECT_EQ(response.status, 200) << type;
    EXPECT_EQ(response.content_type, "application/ocsp-response");
    EXPECT_EQ(response.body.size(), 5u);
    EXPECT_EQ(field(response, "Cache-Control"), "no-store");
    EXPECT_EQ(ByteView(echo_.asked.back()).text(), "question");
  }
  EXPECT_EQ(post("/ocsp/", "application/ocsp-request").status, 200);
}

TEST_F(ServiceTest, body_of_another_type_is_415) {
  for (const char* type : {"", "text/plain", "application/ocsp-response", "application/ocsp-requestx"}) {
    EXPECT_EQ(post("/ocsp", type).status, 415) << type;
  }
  EXPECT_THAT(echo_.asked, IsEmpty());
}

TEST_F(ServiceTest, question_in_the_address_may_be_percent_encoded_or_not) {
  const registry::Bytes question{0xfb, 0xff, 0xbf, 0x01};  // "+/+/AQ==": every awkward character
  for (const char* path : {"/ocsp/+/+/AQ==", "/ocsp/%2B%2F%2b%2fAQ%3D%3D"}) {
    const auto response = get(path);
    EXPECT_EQ(response.status, 200);
    ASSERT_FALSE(echo_.asked.empty());
    EXPECT_EQ(echo_.asked.back(), question) << path;
    EXPECT_THAT(field(response, "Cache-Control"), HasSubstr("max-age=1"));
    EXPECT_EQ(field(response, "Expires"), "Sun, 15 Jun 2025 16:06:40 GMT");
  }
}

TEST_F(ServiceTest, address_that_holds_no_base64_is_an_empty_question) {
  for (const char* path : {"/ocsp/AQ", "/ocsp/%", "/ocsp/%2", "/ocsp/%zz", "/ocsp/A Q=", "/ocsp/../crl/all.pem"}) {
    EXPECT_EQ(get(path).status, 200);
    EXPECT_THAT(echo_.asked.back(), IsEmpty()) << path;
  }
}

TEST_F(ServiceTest, answer_that_is_for_one_alone_is_not_to_be_stored) {
  echo_.reusable = false;
  EXPECT_EQ(field(get("/ocsp/AQ=="), "Cache-Control"), "no-store");
}

}  // namespace
}  // namespace latchkey::hub::revocation
