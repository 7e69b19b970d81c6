// SPDX-License-Identifier: Apache-2.0
// A PDF as scanners write it: one page with one picture. Its resolution is that of the picture over the whole page, by
// the way round that fits better: what is printed smaller has more pixels an inch, never fewer.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

#include "hub/signing/documents/internal/formats.h"
#include "hub/signing/documents/internal/pdf_file.h"

namespace latchkey::hub::signing {
namespace {

using pdf::File;
using pdf::Object;
using pdf::Value;
using Kind = Value::Kind;

constexpr int kDeepestTree = 32;
constexpr int kDeepestForm = 8;
constexpr double kPointsAnInch = 72;
constexpr double kMostPixels = 4'294'967'295.0;

std::uint32_t pixels_of(const Value& value) {
  const bool good = value.is(Kind::kNumber) && value.number >= 0 && value.number <= kMostPixels;
  return good ? static_cast<std::uint32_t>(value.number) : 0;
}

// What the page is given by itself, or by those above it.
struct Page {
  const Value* resources = nullptr;
  const Value* box = nullptr;
  double unit = 1;
};

class Pages {
 public:
  explicit Pages(const File& file) : file_(file) {}

  Outcome<Page> only() {
    walk(file_.root()["Pages"], {}, kDeepestTree);
    if (broken_) return refuse(Status::kMalformed, "is a PDF whose pages run in a circle or too deep");
    if (found_ == 0) return refuse(Status::kRefused, "holds no page");
    if (found_ > 1) return refuse(Status::kRefused, "holds several pages: one picture a file");
    return page_;
  }

 private:
  void walk(const Value& place, Page page, int deep) {
    const auto& node = file_.at(place);
    if (deep == 0 || !seen_.insert(&node).second) broken_ = true;
    if (broken_ || found_ > 1 || !node.is(Kind::kDictionary)) return;
    const auto& resources = file_.at(node["Resources"]);
    const auto& box = file_.at(node["MediaBox"]);
    const auto& unit = file_.at(node["UserUnit"]);
    if (resources.is(Kind::kDictionary)) page.resources = &resources;
    if (box.is(Kind::kArray)) page.box = &box;
    if (unit.is(Kind::kNumber) && unit.number > 0) page.unit = unit.number;
    const auto& kids = file_.at(node["Kids"]);
    if (!kids.is(Kind::kArray)) {
      ++found_;
      page_ = page;
      return;
    }
    for (const auto& kid : kids.items) walk(kid, page, deep - 1);
  }

  const File& file_;
  Page page_;
  std::set<const Value*> seen_;
  int found_ = 0;
  bool broken_ = false;
};

// The pictures among a page's resources, and among those of the forms that it has.
class Pictures {
 public:
  explicit Pictures(const File& file) : file_(file) {}

  void look(const Value* resources, int deep = kDeepestForm) {
    if (resources == nullptr || deep == 0) return;
    const auto& objects = file_.at(file_.at(*resources)["XObject"]);
    if (!objects.is(Kind::kDictionary)) return;
    for (std::size_t i = 1; i < objects.items.size(); i += 2) {
      const auto* object = file_.object(objects.items[i]);
      if (object == nullptr || !seen_.insert(object).second) continue;
      const auto& kind = file_.at(object->value["Subtype"]);
      if (kind.is_name("Image")) found_.push_back(object);
      if (kind.is_name("Form")) look(&object->value["Resources"], deep - 1);
    }
  }
  const std::vector<const Object*>& found() const { return found_; }

 private:
  const File& file_;
  std::set<const Object*> seen_;
  std::vector<const Object*> found_;
};

// Nothing when it is a space that is not known.
std::optional<Colour> colour_of_space(const File& file, const Value& space, int deep) {
  constexpr int kCmyk = 4;
  const auto& value = file.at(space);
  const bool list = value.is(Kind::kArray) && !value.items.empty();
  const auto& name = list ? file.at(value.items[0]) : value;
  if (name.is_name("DeviceGray") || name.is_name("CalGray") || name.is_name("Separation")) return Colour::kGrey;
  for (const auto* one : {"DeviceRGB", "DeviceCMYK", "CalRGB", "Lab"}) {
    if (name.is_name(one)) return Colour::kColour;
  }
  if (!list || value.items.size() < 2 || deep == 0) return std::nullopt;
  if (name.is_name("Indexed")) return colour_of_space(file, value.items[1], deep - 1);
  if (name.is_name("DeviceN")) {
    return file.at(value.items[1]).items.size() > 1 ? Colour::kColour : Colour::kGrey;
  }
  if (!name.is_name("ICCBased")) return std::nullopt;
  const auto& channels = file.at(file.at(value.items[1])["N"]);
  if (!channels.is(Kind::kNumber)) return std::nullopt;
  return channels.number >= 3 && channels.number <= kCmyk ? Colour::kColour : Colour::kGrey;
}

Outcome<Colour> colour_of(const File& file, const Value& image) {
  if (file.at(image["ImageMask"]).is_word("true")) return Colour::kBlackAndWhite;
  const auto colour = colour_of_space(file, image["ColorSpace"], 2);
  if (!colour) return refuse(Status::kUnsupported, "has a picture whose colours cannot be told");
  const auto& bits = file.at(image["BitsPerComponent"]);
  const bool two = bits.is(Kind::kNumber) && bits.number == 1 && *colour == Colour::kGrey;
  return two ? Colour::kBlackAndWhite : *colour;
}

Outcome<double> dpi_of(const File& file, const Page& page, const Picture& picture) {
  double sides[4] = {};
  const bool four = page.box != nullptr && page.box->items.size() == 4;
  for (std::size_t i = 0; four && i < 4; ++i) sides[i] = file.at(page.box->items[i]).number;
  const double width = std::abs(sides[2] - sides[0]) * page.unit / kPointsAnInch;
  const double height = std::abs(sides[3] - sides[1]) * page.unit / kPointsAnInch;
  if (width <= 0 || height <= 0) return refuse(Status::kMalformed, "has a page without a size");
  return std::max(std::min(picture.width / width, picture.height / height),
                  std::min(picture.height / width, picture.width / height));
}

// A JPEG inside has to say what the PDF says of it.
Outcome<void> check_jpeg(const File& file, const Object& object, const Picture& picture) {
  const auto& filter = file.at(object.value["Filter"]);
  const bool listed = filter.is(Kind::kArray) && filter.items.size() == 1 && filter.items[0].is_name("DCTDecode");
  if (!filter.is_name("DCTDecode") && !listed) return {};
  if (!object.stream.starts_with("\xff\xd8")) return refuse(Status::kMalformed, "has a JPEG inside that is none");
  LATCHKEY_TRY(inside, read_jpeg(ByteView(object.stream)));
  if (inside.width == picture.width && inside.height == picture.height) return {};
  return refuse(Status::kMalformed, "has a picture of another size than it says");
}

}  // namespace

Outcome<Picture> read_pdf(ByteView bytes) {
  LATCHKEY_TRY(file, File::read(bytes.text()));
  LATCHKEY_TRY(page, Pages(file).only());
  Pictures pictures(file);
  pictures.look(page.resources);
  if (pictures.found().empty()) return refuse(Status::kRefused, "holds no picture");
  if (pictures.found().size() > 1) return several();
  const auto& object = *pictures.found().front();
  Picture picture{FileType::kPdf};
  picture.width = pixels_of(file.at(object.value["Width"]));
  picture.height = pixels_of(file.at(object.value["Height"]));
  if (object.stream.empty()) return refuse(Status::kMalformed, "has a picture without pixels");
  LATCHKEY_TRY_VOID(check_jpeg(file, object, picture));
  LATCHKEY_TRY(colour, colour_of(file, object.value));
  LATCHKEY_TRY(dpi, dpi_of(file, page, picture));
  picture.colour = colour;
  picture.dpi = dpi;
  return picture;
}

}  // namespace latchkey::hub::signing
