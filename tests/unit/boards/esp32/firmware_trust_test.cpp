// SPDX-License-Identifier: Apache-2.0
#include "boards/esp32/main/firmware_trust.h"

#include <gmock/gmock.h>
#include <nvs_flash.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "boards/esp32/main/settings.h"
#include "tests/support/esp_idf/nvs.h"

namespace latchkey::boards::esp32 {
namespace {

using test::esp::Nvs;
using testing::HasSubstr;
using Bytes = std::vector<std::uint8_t>;

// In form: what a certificate looks like from outside.
Bytes certificate(std::size_t content) {
  Bytes der(4 + content, 0x01);
  der[0] = 0x30;
  der[1] = 0x82;
  der[2] = static_cast<std::uint8_t>(content >> 8);
  der[3] = static_cast<std::uint8_t>(content);
  return der;
}
Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes p256_key() {
  constexpr std::uint8_t kHead[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                                    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
  Bytes der(91, 0x11);
  std::copy(std::begin(kHead), std::end(kHead), der.begin());
  return der;
}
const Bytes kPin = {0x06, 0x03, 0x2a, 0x03, 0x04};

class FirmwareTrustTest : public testing::Test {
 protected:
  void SetUp() override {
    Nvs::the().reset();
    Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, "firmware-board", "pump-2");
    put("firmware-roots", certificate(300) + certificate(260));
    put("firmware-stamps", certificate(256));
    put("firmware-key", p256_key());
    put("firmware-pins", kPin + kPin);
  }
  static void put(const std::string& key, const Bytes& bytes) {
    Nvs::the().put_blob(Settings::kPartition, Settings::kNamespace, key, bytes);
  }
  std::string problem() {
    trust = std::make_unique<FirmwareTrust>();
    esp_idf::NvsSpace space;
    EXPECT_EQ(nvs_flash_init_partition(Settings::kPartition), ESP_OK);
    EXPECT_TRUE(space.open_to_read(Settings::kPartition, Settings::kNamespace));
    const char* const said = trust->load(space);
    return said == nullptr ? "" : said;
  }
  std::string problem_with(const std::string& key, const Bytes& bytes) {
    put(key, bytes);
    return problem();
  }
  std::unique_ptr<FirmwareTrust> trust;
};

TEST_F(FirmwareTrustTest, is_what_the_image_says) {
  ASSERT_EQ(problem(), "");
  ASSERT_TRUE(trust->wanted());
  const auto& config = trust->config();
  EXPECT_EQ(config.board, "pump-2");
  EXPECT_EQ(config.factory_version, (agent::Version{1, 0, 0})) << "menuconfig's";
  ASSERT_EQ(config.signing_root_count, 2u);
  EXPECT_EQ(config.signing_roots[0].size(), 304u);
  EXPECT_EQ(config.signing_roots[1].size(), 264u);
  ASSERT_EQ(config.timestamp_root_count, 1u);
  EXPECT_EQ(config.timestamp_roots[0].size(), 260u);
  EXPECT_EQ(config.statement_key.size(), 91u);
  ASSERT_EQ(config.pins.size(), 2u);
  EXPECT_EQ(config.pins[1], ByteView(kPin).subview(2, 3));
}

TEST_F(FirmwareTrustTest, without_a_board_there_are_no_updates) {
  Nvs::the().reset();
  Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, "registration-id", "pump-17");
  EXPECT_EQ(problem(), "");
  EXPECT_FALSE(trust->wanted());
}

TEST_F(FirmwareTrustTest, what_is_missing_or_no_such_thing_is_named) {
  const Bytes root = certificate(256);
  EXPECT_THAT(problem_with("firmware-roots", {}), HasSubstr("firmware-roots"));
  EXPECT_THAT(problem_with("firmware-roots", root + root + root + root + root), HasSubstr("firmware-roots"));
  EXPECT_THAT(problem_with("firmware-roots", root + Bytes{0x30}), HasSubstr("firmware-roots"));
  EXPECT_THAT(problem_with("firmware-roots", certificate(4093)), HasSubstr("firmware-roots")) << "too long";
  ASSERT_EQ(problem_with("firmware-roots", certificate(4092)), "");
  EXPECT_THAT(problem_with("firmware-stamps", kPin), HasSubstr("firmware-stamps"));
  ASSERT_EQ(problem_with("firmware-stamps", root + root + root + root), "");
  Bytes key = p256_key();
  key.pop_back();
  EXPECT_THAT(problem_with("firmware-key", key), HasSubstr("P-256"));
  key = p256_key();
  key[22] ^= 1;
  EXPECT_THAT(problem_with("firmware-key", key), HasSubstr("P-256"));
  ASSERT_EQ(problem_with("firmware-key", p256_key()), "");
  EXPECT_THAT(problem_with("firmware-pins", kPin + kPin + kPin + kPin + kPin), HasSubstr("firmware-pins"));
  EXPECT_THAT(problem_with("firmware-pins", {0x06, 0x00}), HasSubstr("firmware-pins"));
  EXPECT_THAT(problem_with("firmware-pins", root), HasSubstr("firmware-pins"));
  EXPECT_FALSE(trust->wanted()) << "half of it is nothing";
  ASSERT_EQ(problem_with("firmware-pins", kPin), "");
  Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, "firmware-board", "pump 2");
  EXPECT_THAT(problem(), HasSubstr("firmware-board"));
  Nvs::the().put_text(Settings::kPartition, Settings::kNamespace, "firmware-board", std::string(65, 'x'));
  EXPECT_THAT(problem(), HasSubstr("firmware-board"));
}

}  // namespace
}  // namespace latchkey::boards::esp32
