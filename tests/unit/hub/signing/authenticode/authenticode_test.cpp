// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/authenticode/authenticode.h"

#include <gtest/gtest.h>

#include <random>

#include "hub/signing/base/der.h"
#include "tests/unit/hub/signing/authenticode/sample_pe.h"
#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {
namespace {

constexpr UnixMs kYearLater = kStart + 365 * kDay;

class Authenticode : public testing::TestWithParam<PeKind> {
 protected:
  Bytes signed_file(const Certified& who, ByteView content, std::optional<UnixMs> stamped = std::nullopt) {
    const auto draft = draft_authenticode(content, Algorithm::kEs256);
    Bytes signature = *draft->finish(*sign_digest(who.key.get(), Algorithm::kEs256, draft->digest()),
                                     {who.x509(), world.issuing.x509()});
    if (stamped) {
      signature = *stamp_authenticode(signature, world.token(read_signed_data(signature)->evidence.stamped, *stamped));
    }
    return *attach_authenticode(content, signature);
  }
  Verdict verdict(ByteView given, UnixMs now) {
    const RevocationLists lists = world.lists();
    const auto evidence = read_authenticode(given);
    return evidence ? judge(*evidence, world.trust(lists), now) : unreadable(evidence.error());
  }
  World world;
  Certified leaf = world.leaf();
  Bytes file = sample_pe(GetParam());
  Bytes good = signed_file(leaf, file, kStart + kHour);
};

TEST_P(Authenticode, a_signed_file_is_valid) {
  EXPECT_TRUE(verdict(good, kYearLater).valid) << sentence(verdict(good, kYearLater));
  EXPECT_TRUE(verdict(signed_file(leaf, file), kStart + kHour).valid);
  EXPECT_FALSE(verdict(signed_file(leaf, file), kYearLater).valid);
}

TEST_P(Authenticode, sizes_of_all_remainders_are_padded_alike) {
  for (std::size_t tail = 0; tail < 9; ++tail) {
    const Bytes odd = signed_file(leaf, sample_pe(GetParam(), tail), kStart + kHour);
    EXPECT_TRUE(verdict(odd, kYearLater).valid) << tail;
    EXPECT_EQ(odd.size() % 8, 0U);
  }
}

TEST_P(Authenticode, a_signed_file_is_not_signed_over) {
  EXPECT_EQ(draft_authenticode(good, Algorithm::kEs256).error().status, Status::kRefused);
  EXPECT_EQ(attach_authenticode(good, Bytes{0x30, 0x00}).error().status, Status::kRefused);
}

TEST_P(Authenticode, an_unsigned_file_has_no_signature) {
  EXPECT_EQ(read_authenticode(file).error().status, Status::kNotFound);
}

TEST_P(Authenticode, a_detached_signature_is_not_one_of_a_file) {
  const Bytes detached = world.sign(leaf, file);
  EXPECT_EQ(read_authenticode(*attach_authenticode(file, detached)).error().status, Status::kMalformed);
}

TEST_P(Authenticode, another_files_signature_does_not_count) {
  Bytes other = file;
  other[0x300] ^= 1;
  const auto layout = read_pe(good);
  const Bytes moved = *attach_authenticode(other, *pe_signature(good, *layout));
  EXPECT_EQ(verdict(moved, kYearLater).reason, Reason::kContentChanged);
}

TEST_P(Authenticode, cut_off_at_every_length_is_refused) {
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto read = read_authenticode(ByteView(good.data(), size));
    EXPECT_FALSE(read && read->content_matches) << size;
  }
  Bytes longer = good;
  longer.resize(longer.size() + 8);
  EXPECT_EQ(read_authenticode(longer).error().status, Status::kMalformed);
}

// One bit at every byte: refused, but where nothing is covered (the checksum) or nothing changes.
TEST_P(Authenticode, a_flipped_bit_in_the_content_is_seen_wherever_it_is) {
  const auto layout = read_pe(good);
  ASSERT_TRUE(layout);
  for (std::size_t i = 0; i < layout->content_size; ++i) {
    const bool in_checksum = i >= layout->checksum_at && i < layout->checksum_at + 4;
    Bytes flipped = good;
    flipped[i] ^= static_cast<std::uint8_t>(1U << i % 8);
    const auto read = read_authenticode(flipped);
    EXPECT_EQ(read && read->content_matches, in_checksum) << i;
  }
}

// Several bytes at once, by a fixed seed: whatever is read stays within the file, which the sanitizers watch.
TEST_P(Authenticode, mutations_are_refused_or_harmless) {
  std::mt19937 dice(20260101);
  for (int round = 0; round < 5'000; ++round) {
    Bytes mutant = good;
    const int changes = 1 + static_cast<int>(dice() % 4);
    for (int i = 0; i < changes; ++i) {
      // Mostly in the headers and the certificate table, where the numbers are.
      const std::size_t where = dice() % 3 == 0   ? dice() % mutant.size()
                                : dice() % 2 == 0 ? dice() % 0x200
                                                  : 0x600 + dice() % (mutant.size() - 0x600);
      static constexpr std::uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
      mutant[where] = dice() % 2 == 0 ? kEdges[dice() % 5] : static_cast<std::uint8_t>(dice());
    }
    if (dice() % 8 == 0) mutant.resize(dice() % mutant.size());
    const auto layout = read_pe(mutant);
    if (!layout) continue;
    EXPECT_LE(layout->content_size + layout->table_size, mutant.size());
    EXPECT_LE(layout->table_entry_at + 8, layout->content_size);
    const auto read = read_authenticode(mutant);
    if (read && read->content_matches) {
      EXPECT_EQ(ByteView(mutant).subview(0x200, 0x400), ByteView(good).subview(0x200, 0x400));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, Authenticode, testing::Values(PeKind::kPe32, PeKind::kPe32Plus),
                         [](const auto& tested) { return tested.param == PeKind::kPe32 ? "Pe32" : "Pe32Plus"; });

// Headers that lie, one number at a time.
class Headers : public testing::Test {
 protected:
  Status with(std::size_t at, std::uint64_t value, int size) {
    Bytes bad = file;
    put(bad, at, value, size);
    const auto layout = read_pe(bad);
    return layout ? Status::kOk : layout.error().status;
  }
  static constexpr std::size_t kOptional = 0x80 + 24;
  static constexpr std::size_t kTableEntry = kOptional + 112 + 32;
  Bytes file = sample_pe(PeKind::kPe32Plus);
};

TEST_F(Headers, that_are_none) {
  EXPECT_EQ(with(0, 'X', 1), Status::kMalformed);
  EXPECT_EQ(with(0x80, 0x4551, 4), Status::kMalformed);
  EXPECT_EQ(with(kOptional, 0x107, 2), Status::kMalformed);
  EXPECT_EQ(with(kOptional, 0x10b, 2), Status::kUnsupported);  // of a shorter kind: the count stands elsewhere
}

TEST_F(Headers, at_addresses_beyond_the_file) {
  for (const std::uint64_t at : {0x5ffU, 0x600U, 0x601U, 0x7fffffffU, 0xffffffffU, 0xfffffff8U, 0x81U}) {
    EXPECT_EQ(with(0x3c, at, 4), Status::kMalformed) << at;
  }
  EXPECT_EQ(with(0x94, 0xffff, 2), Status::kMalformed);
}

// The checksum's words would straddle its own field.
TEST_F(Headers, at_an_odd_address) {
  Bytes odd = file;
  odd.insert(odd.begin() + 0x80, 0);
  put(odd, 0x3c, 0x81, 4);
  EXPECT_EQ(read_pe(odd).error().status, Status::kMalformed);
  odd.insert(odd.begin() + 0x80, 0);
  put(odd, 0x3c, 0x82, 4);
  EXPECT_TRUE(read_pe(odd));
}

TEST_F(Headers, without_room_for_a_certificate_table) {
  EXPECT_EQ(with(0x94, 112 + 39, 2), Status::kUnsupported);
  EXPECT_EQ(with(0x94, 112 + 40, 2), Status::kOk);
  EXPECT_EQ(with(kOptional + 108, 4, 4), Status::kUnsupported);
  EXPECT_EQ(with(kOptional + 108, 5, 4), Status::kOk);
}

TEST_F(Headers, with_a_certificate_table_elsewhere_than_at_the_end) {
  const auto entry = [&](std::uint64_t at, std::uint64_t size) { return with(kTableEntry, at | size << 32, 8); };
  EXPECT_EQ(entry(0, 0), Status::kOk);
  EXPECT_EQ(entry(0x500, 0x100), Status::kOk);
  EXPECT_EQ(entry(0x500, 0xff), Status::kMalformed);
  EXPECT_EQ(entry(0x500, 0x101), Status::kMalformed);
  EXPECT_EQ(entry(0x4ff, 0x101), Status::kMalformed);  // on no 8-byte boundary
  EXPECT_EQ(entry(0x600, 0), Status::kMalformed);
  EXPECT_EQ(entry(0, 0x600), Status::kMalformed);  // over the headers
  EXPECT_EQ(entry(0x80, 0x580), Status::kMalformed);
  EXPECT_EQ(entry(0xfffffff8, 0x608), Status::kMalformed);  // the sum goes around
  EXPECT_EQ(entry(0x608, 0xfffffff8), Status::kMalformed);
}

TEST_F(Headers, with_a_damaged_certificate_table) {
  const Bytes signature = der::sequence({der::octet_string(Bytes(20, 1))});
  const Bytes with_table = *pe_with_signature(file, *read_pe(file), signature);
  const auto layout = read_pe(with_table);
  ASSERT_TRUE(layout);
  EXPECT_EQ(*pe_signature(with_table, *layout), signature);
  const auto status = [&](std::size_t at, std::uint64_t value, int size) {
    Bytes bad = with_table;
    put(bad, layout->content_size + at, value, size);
    const auto read = pe_signature(bad, *layout);
    return read ? Status::kOk : read.error().status;
  };
  EXPECT_EQ(status(0, 7, 4), Status::kMalformed);
  EXPECT_EQ(status(0, 0xffffffff, 4), Status::kMalformed);
  EXPECT_EQ(status(0, 16, 4), Status::kUnsupported);  // room for another signature
  EXPECT_EQ(status(4, 0x0100, 2), Status::kUnsupported);
  EXPECT_EQ(status(6, 1, 2), Status::kUnsupported);
  EXPECT_EQ(status(8, 0x31, 1), Status::kMalformed);
  EXPECT_EQ(status(9, 0x10, 1), Status::kMalformed);  // shorter: something lies behind it
  EXPECT_EQ(status(9, 0x7f, 1), Status::kMalformed);
}

}  // namespace
}  // namespace latchkey::hub::signing::test
