// SPDX-License-Identifier: Apache-2.0
#include "agent/update/manifest.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "agent/update/cbor.h"
#include "agent/update/envelope.h"

namespace latchkey::agent {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes(std::string_view hex) {
  Bytes out(hex.size() / 2);
  EXPECT_TRUE(hex_decode(hex, {out.data(), out.size()}));
  return out;
}

// Board b, version 1.2.3, one byte, minimum 1.0.0, boot loader 1.0.0.
const std::string kManifest =
    "a7"
    "0101"
    "026162"
    "0383010203"
    "0401"
    "055820e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    "0683010000"
    "07818264626f6f7483010000";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text = kManifest;
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Manifest, is_read_as_written) {
  const Bytes text = bytes(kManifest);
  const auto manifest = read_manifest(text);
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->board, "b");
  EXPECT_EQ(manifest->version, (Version{1, 2, 3}));
  EXPECT_EQ(manifest->size, 1U);
  EXPECT_EQ(manifest->sha256[0], 0xe3);
  EXPECT_EQ(manifest->minimum_version, (Version{1, 0, 0}));
  ASSERT_EQ(manifest->dependency_count, 1U);
  EXPECT_EQ(manifest->dependencies[0].component, "boot");
}

TEST(Manifest, versions_compare_part_by_part) {
  EXPECT_LT((Version{1, 9, 9}), (Version{2, 0, 0}));
  EXPECT_LT((Version{1, 2, 9}), (Version{1, 10, 0}));
  EXPECT_LT((Version{1, 2, 3}), (Version{1, 2, 4}));
  EXPECT_FALSE((Version{1, 2, 3}) < (Version{1, 2, 3}));
}

TEST(Manifest, cut_off_at_every_length_is_refused) {
  const Bytes text = bytes(kManifest);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(read_manifest(ByteView(text.data(), size)).error(), Status::kMalformed) << size;
  }
  Bytes longer = text;
  longer.push_back(0);
  EXPECT_EQ(read_manifest(longer).error(), Status::kMalformed);
  EXPECT_EQ(read_manifest(Bytes(Manifest::kTextMax + 1)).error(), Status::kTooLarge);
}

TEST(Manifest, of_another_format_is_unsupported) {
  EXPECT_EQ(read_manifest(bytes(replaced("a70101", "a70102"))).error(), Status::kUnsupported);
}

struct Wrong {
  const char* name;
  const char* from;
  const char* to;
};
class WrongManifest : public testing::TestWithParam<Wrong> {};
TEST_P(WrongManifest, is_malformed) {
  EXPECT_EQ(read_manifest(bytes(replaced(GetParam().from, GetParam().to))).error(), Status::kMalformed);
}
INSTANTIATE_TEST_SUITE_P(
    , WrongManifest,
    testing::Values(Wrong{"a_key_is_missing", "a70101", "a60101"}, Wrong{"a_key_is_twice", "026162", "016162"},
                    Wrong{"a_number_is_longer_than_needed", "0401", "041801"},
                    Wrong{"an_indefinite_map", "a70101", "bf0101"}, Wrong{"a_text_is_bytes", "026162", "024162"},
                    Wrong{"no_board", "026162", "0260"}, Wrong{"a_board_with_a_space", "026162", "026120"},
                    Wrong{"a_board_that_is_not_ascii", "026162", "0262c3bc"}, Wrong{"no_size", "0401", "0400"},
                    Wrong{"a_negative_size", "0401", "0420"}, Wrong{"a_size_beyond_1_gib", "0401", "041a40000001"},
                    Wrong{"a_shorter_digest", "055820e3", "05581f"},
                    Wrong{"a_version_of_two_parts", "0383010203", "03820102"},
                    Wrong{"a_version_part_beyond_32_bits", "0383010203", "038301021b0000000100000000"},
                    Wrong{"a_minimum_above_the_version", "0683010000", "0683010204"},
                    Wrong{"dependencies_out_of_order", "07818264626f6f7483010000",
                          "07828264626f6f7483010000826161"
                          "83010000"},
                    Wrong{"a_dependency_twice", "07818264626f6f7483010000",
                          "07828264626f6f74830100008264626f6f7483010000"},
                    Wrong{"nine_dependencies", "0781", "0789"},
                    Wrong{"more_dependencies_than_text", "0781", "079bffffffffffffffff"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Cbor, takes_the_shortest_form_alone) {
  const auto unsigned_of = [](std::string_view hex) {
    const Bytes text = bytes(hex);
    return CborReader(text).next_unsigned();
  };
  EXPECT_EQ(*unsigned_of("17"), 23U);
  EXPECT_EQ(*unsigned_of("1818"), 24U);
  EXPECT_EQ(*unsigned_of("190100"), 256U);
  EXPECT_EQ(*unsigned_of("1a00010000"), 65536U);
  EXPECT_EQ(*unsigned_of("1b0000000100000000"), 1ULL << 32);
  EXPECT_EQ(*unsigned_of("1bffffffffffffffff"), ~0ULL);
  for (const char* hex : {"1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1c", "1f", "18", "19ff", ""}) {
    EXPECT_FALSE(unsigned_of(hex)) << hex;
  }
}

TEST(Cbor, integers_have_signs_and_bounds) {
  const auto integer_of = [](std::string_view hex) {
    const Bytes text = bytes(hex);
    return CborReader(text).next_integer();
  };
  EXPECT_EQ(*integer_of("26"), -7);
  EXPECT_EQ(*integer_of("390100"), -257);
  EXPECT_EQ(*integer_of("3b7fffffffffffffff"), INT64_MIN);
  EXPECT_EQ(*integer_of("1b7fffffffffffffff"), INT64_MAX);
  EXPECT_FALSE(integer_of("1b8000000000000000"));
  EXPECT_FALSE(integer_of("3b8000000000000000"));
}

TEST(Cbor, lengths_beyond_the_text_are_refused) {
  for (const char* hex : {"5bffffffffffffffff", "41", "5818", "9bffffffffffffffff", "bbffffffffffffffff", "a1", "5f"}) {
    const Bytes text = bytes(hex);
    EXPECT_FALSE(CborReader(text).next_bytes()) << hex;
    EXPECT_FALSE(CborReader(text).next_array()) << hex;
    EXPECT_FALSE(CborReader(text).next_map()) << hex;
  }
}

// tag 18, [protected {1: -7}, {33: h'30'}, payload h'01', signature h'02'], then an image of 5 bytes.
const std::string kBundle = "d28443a10126a118214130410141024568656c6c6f";

TEST(Envelope, tells_its_parts_and_where_the_image_begins) {
  const Bytes text = bytes(kBundle);
  const auto bundle = read_bundle(text);
  ASSERT_TRUE(bundle);
  EXPECT_EQ(bundle->envelope.algorithm, -7);
  EXPECT_EQ(bundle->envelope.chain_size, 1U);
  EXPECT_EQ(bundle->envelope.payload.size(), 1U);
  EXPECT_EQ(bundle->envelope.stamped.size(), 2U);
  EXPECT_TRUE(bundle->envelope.token.empty());
  EXPECT_EQ(bundle->image_at, text.size() - 5);
  EXPECT_EQ(bundle->image_size, 5U);
}

TEST(Envelope, waits_for_more_while_it_is_short) {
  const Bytes text = bytes(kBundle);
  for (std::size_t size = 0; size < text.size() - 5; ++size) {
    EXPECT_EQ(read_bundle(ByteView(text.data(), size)).error(), Status::kNotReady) << size;
  }
  for (std::size_t size = text.size() - 5; size <= text.size(); ++size) {
    EXPECT_TRUE(read_bundle(ByteView(text.data(), size))) << size;
  }
  // An envelope of the largest size may still lack the head of the image behind it.
  EXPECT_EQ(read_bundle(Bytes(Envelope::kSizeMax + 8, 0)).error(), Status::kNotReady);
  EXPECT_EQ(read_bundle(Bytes(Envelope::kSizeMax + 9, 0)).error(), Status::kMalformed);
}

TEST(Envelope, refuses_other_headers) {
  const auto status = [](std::string_view hex) {
    const Bytes text = bytes(hex);
    const auto envelope = read_envelope(text);
    return envelope ? Status::kOk : envelope.error();
  };
  EXPECT_EQ(status("d28443a10126a1182141304101"
                   "4102"),
            Status::kOk);
  EXPECT_EQ(status("d28443a10126a218214130"
                   "19010e4105"
                   "41014102"),
            Status::kOk);  // with a timestamp
  EXPECT_EQ(status("d28443a10126a1182182413041"
                   "31"
                   "41014102"),
            Status::kOk);  // two certificates
  for (const char* hex : {
           "8443a10126a1182141304101"
           "4102",  // no tag
           "d38443a10126a1182141304101"
           "4102",  // another tag
           "d28543a10126a1182141304101"
           "410240",  // five parts
           "d28440a1182141304101"
           "4102",  // no protected header
           "d28443a10226a1182141304101"
           "4102",  // another parameter
           "d28446a2012602810a"
           "a1182141304101"
           "4102",                              // crit
           "d28443a10126a041014102",            // no chain
           "d28443a10126a1182181413041014102",  // an array of one
           "d28443a10126a1182185413041304130413041304101"
           "4102",  // five certificates
           "d28443a10126a218214130"
           "19010e40"
           "41014102",  // an empty timestamp
           "d28443a10126a218214130"
           "19010f4105"
           "41014102",  // another parameter
           "d28443a10126a1182141304101"
           "410200",  // something behind
       }) {
    EXPECT_EQ(status(hex), Status::kMalformed) << hex;
  }
}

// By a fixed seed; views stay within the text, which the sanitizers watch.
TEST(Envelope, random_bytes_do_no_harm) {
  std::mt19937 dice(18);
  const Bytes good = bytes(kBundle);
  for (int round = 0; round < 50'000; ++round) {
    Bytes text = good;
    for (int i = 0; i < 3; ++i) text[dice() % text.size()] = static_cast<std::uint8_t>(dice());
    const auto bundle = read_bundle(text);
    if (!bundle) continue;
    std::size_t sum = 0;
    for (std::size_t i = 0; i < bundle->envelope.chain_size; ++i) {
      for (const std::uint8_t byte : bundle->envelope.chain[i]) sum += byte;
    }
    for (const std::uint8_t byte : bundle->envelope.signature) sum += byte;
    EXPECT_LE(bundle->image_at, text.size());
    EXPECT_LT(sum, text.size() * 256);
    (void)read_manifest(bundle->envelope.payload);
  }
}

TEST(VersionText, is_three_numbers_in_one_spelling) {
  EXPECT_EQ(parse_version("1.20.300"), (Version{1, 20, 300}));
  EXPECT_EQ(parse_version("4294967295.0.0"), (Version{UINT32_MAX, 0, 0}));
  for (const char* bad : {"", "1", "1.2", "1.2.", "1.2.3.4", "1.2.3-rc", "v1.2.3", "1.2.4294967296", "1..3", "1.02.3",
                          "00.0.0", " 1.2.3", "1.2.3 ", ".1.2.3", "1.2.+3"}) {
    EXPECT_FALSE(parse_version(bad)) << bad;
  }
}

}  // namespace
}  // namespace latchkey::agent
