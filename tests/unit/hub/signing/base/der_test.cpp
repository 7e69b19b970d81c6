// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/base/der.h"

#include <gtest/gtest.h>

namespace latchkey::hub::signing::der {
namespace {

TEST(DerWriter, writes_lengths_in_their_shortest_form) {
  EXPECT_EQ(octet_string(Bytes(3)).size(), 5U);
  EXPECT_EQ(octet_string(Bytes(127)).size(), 129U);
  EXPECT_EQ(octet_string(Bytes(128)).size(), 131U);
  EXPECT_EQ(octet_string(Bytes(256)).size(), 260U);
  EXPECT_EQ(octet_string(Bytes(65536)).size(), 65541U);
}

TEST(DerWriter, integers_are_positive) {
  EXPECT_EQ(integer(0), (Bytes{2, 1, 0}));
  EXPECT_EQ(integer(127), (Bytes{2, 1, 127}));
  EXPECT_EQ(integer(128), (Bytes{2, 2, 0, 128}));
  EXPECT_EQ(integer(0x1234), (Bytes{2, 2, 0x12, 0x34}));
}

TEST(DerWriter, sets_are_sorted) {
  EXPECT_EQ(set_of({integer(9), integer(2), octet_string(Bytes{1})}),
            value(kSet, {integer(2), integer(9), octet_string(Bytes{1})}));
}

TEST(DerWriter, object_identifiers_may_have_large_arcs) {
  const Bytes large = oid("2.25.163099170488962020191184446638292780055");
  Reader reader(large);
  EXPECT_EQ(*reader.next_oid(), "2.25.163099170488962020191184446638292780055");
  EXPECT_TRUE(oid("").empty());
  EXPECT_TRUE(oid("3.1.2").empty());
  EXPECT_TRUE(oid("words").empty());
}

TEST(DerReader, reads_what_was_written) {
  const Bytes text = sequence({integer(300), octet_string(Bytes(200, 7)), null(), oid("1.2.840.113549")});
  Reader outer(text);
  const auto whole = outer.next(kSequence);
  ASSERT_TRUE(whole);
  EXPECT_TRUE(outer.at_end());
  Reader reader(whole->content);
  EXPECT_EQ(*reader.next_integer(), 300U);
  EXPECT_EQ(reader.next(kOctetString)->content.size(), 200U);
  EXPECT_TRUE(reader.next(kNull));
  EXPECT_EQ(*reader.next_oid(), "1.2.840.113549");
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.next());
}

TEST(DerReader, refuses_what_is_cut_off_at_every_length) {
  const Bytes text = sequence({integer(300), octet_string(Bytes(200, 7))});
  for (std::size_t size = 0; size < text.size(); ++size) {
    Reader reader(ByteView(text.data(), size));
    EXPECT_FALSE(reader.next()) << size;
  }
}

TEST(DerReader, refuses_what_only_ber_allows) {
  const Bytes cases[] = {
      {0x04, 0x80, 0x00, 0x00},              // indefinite length
      {0x04, 0x81, 0x01, 0x00},              // one octet too many
      {0x04, 0x82, 0x00, 0x80},              // leading zero
      {0x1f, 0x81, 0x00, 0x00},              // tag of several octets
      {0x04, 0x85, 1, 0, 0, 0, 0},           // longer than anything that we read
      {0x04, 0x84, 0xff, 0xff, 0xff, 0xff},  // longer than the text
  };
  for (const Bytes& text : cases) {
    Reader reader(text);
    EXPECT_EQ(reader.next().error(), Status::kMalformed);
  }
}

// It came back cut off, and so as the name of another.
TEST(DerReader, refuses_object_identifiers_that_are_longer_than_anything_that_we_read) {
  std::string dotted = "1.2";
  while (dotted.size() + 6 < 160) dotted += ".12345";
  const Bytes fits = oid(dotted);
  EXPECT_EQ(*Reader(fits).next_oid(), dotted);
  const Bytes longer = oid(dotted + ".12345");
  ASSERT_FALSE(longer.empty());
  EXPECT_FALSE(Reader(longer).next_oid());
}

TEST(DerReader, refuses_numbers_that_are_negative_padded_or_too_large) {
  const Bytes cases[] = {{2, 0}, {2, 1, 0x80}, {2, 2, 0, 1}, {2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0}};
  for (const Bytes& text : cases) {
    Reader reader(text);
    EXPECT_FALSE(reader.next_integer());
  }
}

}  // namespace
}  // namespace latchkey::hub::signing::der
