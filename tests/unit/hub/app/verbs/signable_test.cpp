// SPDX-License-Identifier: Apache-2.0
// What `latchkey sign` writes, in each of its forms, judged by hub/signing/verification.
#include "hub/app/verbs/signable.h"

#include <gmock/gmock.h>

#include "hub/signing/verification/trust_store.h"
#include "tests/unit/hub/signing/authenticode/sample_pe.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::app {
namespace {

using namespace signing;        // NOLINT: the test is about what these rooms make
using namespace signing::test;  // NOLINT

class SignableTest : public testing::TestWithParam<SignedForm> {
 protected:
  Signable::Wanted wanted(Algorithm algorithm = Algorithm::kEs256) const {
    Signable::Wanted wanted{GetParam(), algorithm, {}};
    wanted.manifest.board = "pump";
    wanted.manifest.version = {1, 2, 0};
    return wanted;
  }
  std::vector<X509*> path() { return {leaf.x509(), world.issuing.x509()}; }
  Bytes signature(const Signable& file) { return *sign_digest(leaf.key.get(), Algorithm::kEs256, file.digest()); }
  Signable attached() {
    auto file = *Signable::make(wanted(), content);
    EXPECT_TRUE(file.attach(signature(file), path()));
    return file;
  }
  Verdict judged(const Bytes& written, UnixMs now) {
    const RevocationLists lists = world.lists();
    const bool detached = GetParam() == SignedForm::kDetached;
    return verify_file(detached ? ByteView(content) : ByteView(written),
                       detached ? std::optional(ByteView(written)) : std::nullopt, world.trust(lists), now);
  }

  World world;
  Certified leaf = world.leaf();
  const Bytes content = GetParam() == SignedForm::kPe ? sample_pe(PeKind::kPe32Plus) : Bytes(9000, 0x42);
};

TEST_P(SignableTest, what_is_signed_holds_as_long_as_its_certificate_does) {
  const auto written = attached().finished();
  ASSERT_TRUE(written) << written.error().detail;
  EXPECT_TRUE(judged(*written, kStart + kHour).valid) << sentence(judged(*written, kStart + kHour));
  EXPECT_FALSE(judged(*written, kStart + 4 * kDay).valid);
}

TEST_P(SignableTest, what_is_stamped_holds_for_longer) {
  auto file = attached();
  const auto over = file.stamped();
  ASSERT_TRUE(over) << over.error().detail;
  const auto stamped = file.stamp(world.token(*over, kStart + kHour));
  ASSERT_TRUE(stamped) << stamped.error().detail;
  const auto written = file.finished();
  ASSERT_TRUE(written) << written.error().detail;
  EXPECT_TRUE(judged(*written, kStart + 40 * kDay).valid) << sentence(judged(*written, kStart + 40 * kDay));
}

TEST_P(SignableTest, signature_of_another_key_or_digest_is_not_attached) {
  auto file = *Signable::make(wanted(), content);
  const Certified other = world.leaf();
  EXPECT_FALSE(file.attach(*sign_digest(other.key.get(), Algorithm::kEs256, file.digest()), path()));
  EXPECT_FALSE(file.attach(*sign_digest(leaf.key.get(), Algorithm::kEs256, Bytes(32, 1)), path()));
  EXPECT_FALSE(file.attach({}, path()));
  EXPECT_FALSE(file.attach(signature(file), {}));
}

TEST_P(SignableTest, token_over_something_else_or_none_is_not_taken) {
  auto file = attached();
  const auto before = *file.finished();
  EXPECT_FALSE(file.stamp(world.token(text("something else"), kStart + kHour)));
  EXPECT_FALSE(file.stamp(text("no token")));
  EXPECT_FALSE(file.stamp({}));
  EXPECT_EQ(*file.finished(), before);
}

// The content is looked at again before anything is handed out.
TEST_P(SignableTest, content_that_changes_meanwhile_is_not_written) {
  Bytes changing = content;
  auto file = *Signable::make(wanted(), changing);
  ASSERT_TRUE(file.attach(signature(file), path()));
  changing[changing.size() / 2] ^= 1;
  EXPECT_FALSE(file.finished());
}

INSTANTIATE_TEST_SUITE_P(, SignableTest, testing::Values(SignedForm::kDetached, SignedForm::kPe, SignedForm::kBundle),
                         [](const auto& tested) {
                           return tested.param == SignedForm::kPe       ? "program"
                                  : tested.param == SignedForm::kBundle ? "bundle"
                                                                        : "detached";
                         });

TEST(Signable, what_is_no_program_or_no_manifest_is_refused) {
  const Bytes content(100, 1);
  EXPECT_FALSE(Signable::make({SignedForm::kPe, Algorithm::kEs256, {}}, content));
  EXPECT_FALSE(Signable::make({SignedForm::kBundle, Algorithm::kEs256, {}}, content)) << "no board";
}

}  // namespace
}  // namespace latchkey::hub::app
