// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/timestamp/authority.h"

#include <gmock/gmock.h>
#include <openssl/ts.h>

#include "hub/signing/base/der.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

using ResponsePtr = openssl::Owner<TS_RESP, TS_RESP_free>;

struct Answer {
  long status = -1;
  int failure = -1;  // bit of failInfo
  int failures = 0;  // how many bits are set
  bool has_token = false;
};

Answer read(ByteView response) {
  const std::uint8_t* end = response.data();
  const ResponsePtr parsed(d2i_TS_RESP(nullptr, &end, static_cast<long>(response.size())));
  Answer answer;
  if (!parsed || end != response.end()) return answer;
  TS_STATUS_INFO* info = TS_RESP_get_status_info(parsed.get());
  answer.status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(info));
  answer.has_token = TS_RESP_get_token(parsed.get()) != nullptr;
  const ASN1_BIT_STRING* bits = TS_STATUS_INFO_get0_failure_info(info);
  for (int bit = 0; bits != nullptr && bit < 32; ++bit) {
    if (ASN1_BIT_STRING_get_bit(bits, bit) == 0) continue;
    answer.failure = bit;
    ++answer.failures;
  }
  return answer;
}

// Requests part by part, so that each can be wrong.
struct Question {
  Bytes version = der::integer(1);
  Bytes algorithm = cms_digest_identifier(Hash::kSha256);
  Bytes digest = Bytes(32, 9);
  Bytes rest = {};
  Bytes der() const { return der::sequence({version, der::sequence({algorithm, der::octet_string(digest)}), rest}); }
};

class Authority : public testing::Test {
 protected:
  Answer ask(const Bytes& request) { return read(world.authority(world.tsa).answer(request)); }
  void expect_refused(const Bytes& request, int failure) {
    const Answer answer = ask(request);
    EXPECT_EQ(answer.status, TS_STATUS_REJECTION);
    EXPECT_EQ(answer.failure, failure);
    EXPECT_EQ(answer.failures, 1);
    EXPECT_FALSE(answer.has_token);
  }
  World world;
};

TEST_F(Authority, grants) {
  const Answer answer = ask(Question().der());
  EXPECT_EQ(answer.status, TS_STATUS_GRANTED);
  EXPECT_TRUE(answer.has_token);
  EXPECT_EQ(answer.failures, 0);
}

TEST_F(Authority, grants_its_own_policy_by_name) {
  Question question;
  question.rest = der::oid(kTimestampPolicy);
  EXPECT_TRUE(ask(question.der()).has_token);
}

TEST_F(Authority, grants_all_three_hashes) {
  for (const Hash hash : {Hash::kSha256, Hash::kSha384, Hash::kSha512}) {
    Question question;
    question.algorithm = cms_digest_identifier(hash);
    question.digest = Bytes(digest_size(hash), 9);
    EXPECT_TRUE(ask(question.der()).has_token);
  }
}

TEST_F(Authority, bad_alg) {
  Question sha1;
  sha1.algorithm = der::sequence({der::oid("1.3.14.3.2.26"), der::null()});
  sha1.digest = Bytes(20, 9);
  expect_refused(sha1.der(), TS_INFO_BAD_ALG);
  Question unknown;
  unknown.algorithm = der::sequence({der::oid("1.2.3.4"), der::null()});
  expect_refused(unknown.der(), TS_INFO_BAD_ALG);
  Question parameters;
  parameters.algorithm = der::sequence({der::oid(oid_of(Hash::kSha256)), der::integer(1)});
  expect_refused(parameters.der(), TS_INFO_BAD_ALG);
}

TEST_F(Authority, bad_request) {
  for (const std::uint64_t version : {0, 2, 99}) {
    Question question;
    question.version = der::integer(version);
    expect_refused(question.der(), TS_INFO_BAD_REQUEST);
  }
}

TEST_F(Authority, bad_data_format) {
  for (const std::size_t size : {0, 31, 33, 48, 64}) {
    Question question;
    question.digest = Bytes(size, 9);
    expect_refused(question.der(), TS_INFO_BAD_DATA_FORMAT);
  }
  expect_refused({}, TS_INFO_BAD_DATA_FORMAT);
  expect_refused(Bytes(100, 0x41), TS_INFO_BAD_DATA_FORMAT);
  Bytes longer = Question().der();
  longer.push_back(0);
  expect_refused(longer, TS_INFO_BAD_DATA_FORMAT);
  Question large;  // a nonce, well formed and too long
  large.rest = der::value(der::kInteger, {Bytes(TimestampAuthority::kRequestMax, 1)});
  expect_refused(large.der(), TS_INFO_BAD_DATA_FORMAT);
  large.rest = der::value(der::kInteger, {Bytes(64, 1)});
  EXPECT_TRUE(ask(large.der()).has_token);
}

TEST_F(Authority, bad_data_format_at_every_length) {
  const Bytes request = Question().der();
  for (std::size_t size = 0; size < request.size(); ++size) {
    expect_refused({request.begin(), request.begin() + static_cast<std::ptrdiff_t>(size)}, TS_INFO_BAD_DATA_FORMAT);
  }
}

TEST_F(Authority, unaccepted_policy) {
  Question question;
  question.rest = der::oid("1.2.3.4.5");
  expect_refused(question.der(), TS_INFO_UNACCEPTED_POLICY);
}

TEST_F(Authority, unaccepted_extension) {
  Question question;
  const Bytes extension = der::sequence({der::oid("1.2.3.4"), der::octet_string(der::null())});
  question.rest = der::value(der::context(0), {extension});
  expect_refused(question.der(), TS_INFO_UNACCEPTED_EXTENSION);
}

TEST_F(Authority, time_not_available) {
  world.clock = std::nullopt;
  expect_refused(Question().der(), TS_INFO_TIME_NOT_AVAILABLE);
}

TEST_F(Authority, system_failure_outside_its_certificates_validity) {
  const Window window = window_of(world.tsa.x509());
  for (const UnixMs outside : {window.not_before - 1, window.not_after, window.not_after + 1}) {
    world.clock = outside;
    expect_refused(Question().der(), TS_INFO_SYSTEM_FAILURE);
  }
  const RevocationLists lists = world.lists();
  const TimestampTrust trust{{world.timestamp_root.x509()}, &lists, UnknownRevocation::kRefuse};
  for (const UnixMs inside : {window.not_before, window.not_after - 1}) {
    EXPECT_TRUE(check_timestamp(world.token(text("abc"), inside), text("abc"), trust, kStart));
  }
}

// Whatever comes in, an answer goes out that is a response; and no bit turns a refusal into a crash.
TEST_F(Authority, answers_damaged_requests_too) {
  const Bytes request = *make_timestamp_request(Hash::kSha256, text("x"), text("nonce"));
  const TimestampAuthority authority = world.authority(world.tsa);
  for (std::size_t i = 0; i < request.size() * 8; ++i) {
    Bytes flipped = request;
    flipped[i / 8] ^= static_cast<std::uint8_t>(1U << i % 8);
    EXPECT_GE(read(authority.answer(flipped)).status, 0) << i;
  }
}

TEST_F(Authority, does_not_start_with_a_wrong_certificate_key_or_option) {
  const auto make = [&](const Certified& who, EVP_PKEY* key, TimestampAuthority::Options options) {
    EVP_PKEY_up_ref(key);
    return TimestampAuthority::make(openssl::X509Ptr(X509_dup(who.x509())), openssl::PkeyPtr(key), nullptr,
                                    std::move(options), [] { return kStart; })
        .has_value();
  };
  const Certified leaf = world.leaf();
  EXPECT_TRUE(make(world.tsa, world.tsa.key.get(), {}));
  EXPECT_FALSE(make(world.tsa, leaf.key.get(), {}));
  EXPECT_FALSE(make(leaf, leaf.key.get(), {}));
  EXPECT_FALSE(make(world.root, world.root.key.get(), {}));
  EXPECT_FALSE(make(world.tsa, world.tsa.key.get(), {"no oid", 0}));
  EXPECT_FALSE(make(world.tsa, world.tsa.key.get(), {std::string(kTimestampPolicy), -1}));
  EXPECT_FALSE(make(world.tsa, world.tsa.key.get(), {std::string(kTimestampPolicy), 60'000}));
}

class Token : public testing::Test {
 protected:
  TimestampTrust trust() { return {{world.timestamp_root.x509()}, &lists, UnknownRevocation::kRefuse}; }
  Outcome<Timestamp> check(ByteView token, ByteView stamped) {
    return check_timestamp(token, stamped, trust(), kStart);
  }
  World world;
  RevocationLists lists = world.lists();
};

TEST_F(Token, tells_time_accuracy_and_authority) {
  const Bytes token = world.token(text("abc"), kStart + 123, world.tsa, 1500);
  const auto stamp = check(token, text("abc"));
  ASSERT_TRUE(stamp) << stamp.error().detail;
  EXPECT_EQ(stamp->at, kStart + 123);
  EXPECT_EQ(stamp->accuracy_ms, 1500);
  EXPECT_EQ(stamp->latest(), kStart + 1623);
  EXPECT_EQ(stamp->policy, kTimestampPolicy);
  EXPECT_EQ(stamp->authority, "CN=Latchkey Test TSA,O=Latchkey Test");
}

TEST_F(Token, refuses_another_imprint) {
  EXPECT_EQ(check(world.token(text("abc"), kStart), text("abd")).error().status, Status::kMismatch);
  EXPECT_EQ(check(world.token(text("abc"), kStart), {}).error().status, Status::kMismatch);
}

TEST_F(Token, refuses_what_is_cut_off_at_every_length) {
  const Bytes token = world.token(text("abc"), kStart);
  for (std::size_t size = 0; size < token.size(); ++size) {
    EXPECT_EQ(check(ByteView(token.data(), size), text("abc")).error().status, Status::kMalformed) << size;
  }
  Bytes longer = token;
  longer.push_back(0);
  EXPECT_EQ(check(longer, text("abc")).error().status, Status::kMalformed);
  EXPECT_EQ(check(Bytes(kTokenMax + 1), text("abc")).error().status, Status::kTooLarge);
}

// One bit at every byte: it does not hold, or still says the same time.
TEST_F(Token, with_a_flipped_bit_never_says_another_time) {
  const Bytes token = world.token(text("abc"), kStart + 5000);
  for (std::size_t i = 0; i < token.size(); ++i) {
    Bytes flipped = token;
    flipped[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    const auto stamp = check(flipped, text("abc"));
    if (!stamp) continue;
    EXPECT_EQ(stamp->at, kStart + 5000) << i;
    EXPECT_EQ(stamp->accuracy_ms, 0) << i;
  }
}

TEST_F(Token, needs_a_list_that_speaks_of_the_authority) {
  const Bytes token = world.token(text("abc"), kStart);
  TimestampTrust trust{{world.timestamp_root.x509()}, nullptr, UnknownRevocation::kRefuse};
  EXPECT_EQ(check_timestamp(token, text("abc"), trust, kStart).error().status, Status::kNotTrusted);
  trust.unknown = UnknownRevocation::kAccept;
  EXPECT_TRUE(check_timestamp(token, text("abc"), trust, kStart));
}

TEST_F(Token, out_of_a_response_that_grants_alone) {
  EXPECT_EQ(token_of_response({}).error().status, Status::kMalformed);
  const auto refused = token_of_response(world.authority(world.tsa).answer(Bytes{1, 2, 3}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, Status::kRefused);
  EXPECT_THAT(refused.error().detail, testing::HasSubstr("not a timestamp request"));
}

}  // namespace
}  // namespace latchkey::hub::signing::test
