// SPDX-License-Identifier: Apache-2.0
#include "agent/core/record.h"

#include <gtest/gtest.h>

#include <string>

#include "agent/core/key_maker.h"
#include "agent/core/slots.h"
#include "platform/crypto/pem.h"

namespace latchkey::agent {
namespace {

struct RecordText : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(crypto::init().has_value());
    ASSERT_TRUE(FreshKeyMaker().make(crypto::Curve::kP256, "dev-1", made).has_value());
    header.generation = 7;
    header.request_id = "lk-1";
    const ByteView csr(made.csr.data(), made.csr_size);
    const auto size = write_record(header, made.key, crypto::kPemCsr, &csr, 1, buffer);
    ASSERT_TRUE(size.has_value());
    text.assign(ByteView(buffer.data(), *size).text());
  }

  MadeKey made;
  Record header;
  std::array<std::uint8_t, kMaxRecord> buffer;
  std::string text;
};

TEST_F(RecordText, written_record_is_read_back) {
  const auto record = parse_record(text);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->generation, 7u);
  EXPECT_EQ(record->state, RecordState::kPending);
  EXPECT_EQ(record->request_id, "lk-1");
  EXPECT_EQ(record->hub, "");
  crypto::DeviceKey key;
  ASSERT_TRUE(read_key(*record, key).has_value());
  EXPECT_EQ(key.der(), made.key.der());
  std::array<std::uint8_t, 512> csr;
  EXPECT_EQ(read_block(*record, crypto::kPemCsr, 0, csr).value_or(0), made.csr_size);
  EXPECT_EQ(read_block(*record, crypto::kPemCsr, 1, csr).error(), Status::kNotFound);
}

TEST_F(RecordText, every_changed_byte_is_noticed) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    EXPECT_EQ(parse_record(damaged).error(), Status::kCorrupt) << at;
  }
}

TEST_F(RecordText, every_cut_is_noticed) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parse_record(text.substr(0, size)).error(), Status::kCorrupt) << size;
  }
  EXPECT_EQ(parse_record(text + "x").error(), Status::kCorrupt);
}

TEST_F(RecordText, new_state_keeps_length_and_everything_else) {
  header.hub = "hub.example:8884";
  header.device_id = "dev-1";
  header.state = RecordState::kStaged;
  const ByteView der(made.csr.data(), made.csr_size);
  const auto size = write_record(header, made.key, crypto::kPemCertificate, &der, 1, buffer);
  const MutableBytes record_text(buffer.data(), *size);
  for (const RecordState state : {RecordState::kProven, RecordState::kRefused, RecordState::kStaged}) {
    ASSERT_TRUE(restate_record(record_text, state).has_value());
    const auto record = parse_record(record_text);
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->state, state);
    EXPECT_EQ(record->hub, "hub.example:8884");
    EXPECT_EQ(record->generation, 7u);
  }
}

TEST_F(RecordText, damaged_record_is_not_given_a_new_state) {
  buffer[300] ^= 1;
  EXPECT_EQ(restate_record(MutableBytes(buffer.data(), text.size()), RecordState::kProven).error(), Status::kCorrupt);
}

TEST_F(RecordText, fields_that_would_break_a_line_are_not_written) {
  const ByteView csr(made.csr.data(), made.csr_size);
  for (const char* field : {"a\nb", "a b", "-", "\x01", "\xff"}) {
    Record bad = header;
    bad.hub = field;
    EXPECT_EQ(write_record(bad, made.key, crypto::kPemCsr, &csr, 1, buffer).error(), Status::kInvalidArgument);
  }
}

TEST_F(RecordText, without_room_key_or_chain_nothing_is_written) {
  const ByteView csr(made.csr.data(), made.csr_size);
  std::array<std::uint8_t, 400> small;
  EXPECT_EQ(write_record(header, made.key, crypto::kPemCsr, &csr, 1, small).error(), Status::kTooLarge);
  EXPECT_EQ(write_record(header, crypto::DeviceKey(), crypto::kPemCsr, &csr, 1, buffer).error(),
            Status::kInvalidArgument);
  EXPECT_EQ(write_record(header, made.key, crypto::kPemCsr, &csr, 0, buffer).error(), Status::kInvalidArgument);
}

TEST_F(RecordText, pending_key_is_no_credential) {
  std::array<std::uint8_t, kMaxCertificate> room;
  EXPECT_EQ(read_credential(text, room).error(), Status::kCorrupt);
}

Credential credential(std::uint32_t generation, RecordState state, UnixMs not_after = 1000) {
  Credential made;
  made.generation = generation;
  made.state = state;
  made.not_after = not_after;
  return made;
}

TEST(Slots, newest_good_one_is_shown) {
  Slots slots;
  EXPECT_FALSE(slots.newest_usable(0).has_value());
  slots.set(Slot::kA, credential(3, RecordState::kProven));
  slots.set(Slot::kB, credential(4, RecordState::kStaged));
  EXPECT_EQ(slots.newest_usable(0), Slot::kB);
  slots.mark(Slot::kB, RecordState::kRefused);
  EXPECT_EQ(slots.newest_usable(0), Slot::kA);
  EXPECT_EQ(slots.newest_usable(1000), Slot::kA) << "the last moment counts";
  EXPECT_FALSE(slots.newest_usable(1001).has_value());
  EXPECT_EQ(slots.newest_usable(std::nullopt), Slot::kA) << "an unset clock judges nothing";
}

TEST(Slots, the_newest_proven_one_is_never_written_over) {
  const RecordState states[] = {RecordState::kStaged, RecordState::kProven, RecordState::kRefused};
  for (const RecordState a : states) {
    for (const RecordState b : states) {
      for (const std::uint32_t a_generation : {1u, 3u}) {
        Slots slots;
        slots.set(Slot::kA, credential(a_generation, a));
        slots.set(Slot::kB, credential(2, b));
        const Slot next = slots.slot_for_next(std::nullopt);
        const Credential* kept = slots.get(other(next));
        const Credential* lost = slots.get(next);
        if (lost->state != RecordState::kProven) continue;
        EXPECT_EQ(kept->state, RecordState::kProven);
        EXPECT_GT(kept->generation, lost->generation);
      }
    }
  }
}

TEST(Slots, the_one_in_use_is_never_written_over_even_if_it_is_older) {
  Slots slots;
  slots.set(Slot::kA, credential(1, RecordState::kProven, 5000));
  slots.set(Slot::kB, credential(2, RecordState::kProven, 1000));
  ASSERT_EQ(slots.newest_usable(2000), Slot::kA) << "the newer one has expired";
  EXPECT_EQ(slots.slot_for_next(Slot::kA), Slot::kB);
}

TEST(Slots, an_empty_slot_is_taken_first) {
  Slots slots;
  EXPECT_EQ(slots.slot_for_next(std::nullopt), Slot::kA);
  slots.set(Slot::kA, credential(1, RecordState::kRefused));
  EXPECT_EQ(slots.slot_for_next(std::nullopt), Slot::kB);
  EXPECT_EQ(slots.highest_generation(), 1u);
}

}  // namespace
}  // namespace latchkey::agent
