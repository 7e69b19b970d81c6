// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/data/public_face.h"

#include "hub/signing/certificates/revocation_list.h"
#include "hub/signing/timestamp/token.h"
#include "hub/text/encoding.h"
#include "tests/unit/hub/signing/service/service_world.h"

namespace latchkey::hub::signing {
namespace {

using namespace test;  // NOLINT: the world is for these tests

class PublicFaceTest : public testing::Test {
 protected:
  http::Response ask(const std::string& method, const std::string& path, const std::string& body = {},
                     const std::string& type = "application/timestamp-query") {
    PublicFace face(*world.service);
    return face.handle({method, path, {}, {{"Content-Type", type}}, body, {}});
  }
  std::string query() {
    const auto request = make_timestamp_request(Hash::kSha256, ByteView(std::string_view("stamped")), {});
    return std::string(ByteView(*request).text());
  }
  ServiceWorld world;
};

TEST_F(PublicFaceTest, stamps_what_is_posted) {
  for (const char* path : {"/", "/timestamp"}) {
    const auto response = ask("POST", path, query(), "Application/Timestamp-Query; x=y");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "application/timestamp-reply");
    EXPECT_TRUE(token_of_response(ByteView(response.body)));
  }
}

TEST_F(PublicFaceTest, what_is_no_request_is_refused_in_a_reply) {
  const auto response = ask("POST", "/", "garbage");
  EXPECT_EQ(response.status, 200);
  const auto token = token_of_response(ByteView(response.body));
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().status, Status::kRefused);
}

TEST_F(PublicFaceTest, other_types_methods_and_paths_are_refused) {
  EXPECT_EQ(ask("POST", "/", query(), "application/json").status, 415);
  EXPECT_EQ(ask("POST", "/", query(), "").status, 415);
  EXPECT_EQ(ask("GET", "/").status, 405);
  EXPECT_EQ(ask("GET", "/nowhere").status, 404);
  EXPECT_EQ(ask("POST", "/crl/x.crl").status, 405);
  EXPECT_EQ(ask("GET", "/crl/../../keys/x.crl").status, 404);
  EXPECT_EQ(ask("GET", "/crl/" + text::uuid_text(random_id()) + ".crl").status, 404);
  EXPECT_EQ(ask("GET", "/ca/" + text::uuid_text(random_id()) + ".cer").status, 404);
}

TEST_F(PublicFaceTest, serves_lists_and_ca_certificates) {
  const auto& ca = world.service->authorities().issuing(TrustKind::kPublic);
  const auto certificate = ask("GET", "/ca/" + text::uuid_text(ca.id) + ".cer");
  EXPECT_EQ(certificate.status, 200);
  EXPECT_EQ(certificate.content_type, "application/pkix-cert");
  EXPECT_TRUE(certificate_from_der(ByteView(certificate.body)));
  const auto list = ask("GET", "/crl/" + text::uuid_text(ca.id) + ".crl");
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.content_type, "application/pkix-crl");
  RevocationLists lists;
  EXPECT_TRUE(lists.add(ByteView(list.body)));
}

}  // namespace
}  // namespace latchkey::hub::signing
