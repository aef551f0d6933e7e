#include "common/data/formats/csv/csv_columns.h"

#include <algorithm>
#include <array>
#include <map>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/visible_text.h"
#include "common/data/formats/csv/csv_forms.h"

namespace boxseg {
namespace {

using Form = CsvColumns::Form;
using Keys = std::vector<std::string>;

// The better ones first. "name" may be the image's or the class's: it is the class's where nothing else is.
const Keys kImageKeys = {"filename", "imagename", "imagefilename", "imagefile", "filepath", "imagepath",
                         "imgpath",  "imgname",   "image",         "img",       "path",     "file",
                         "fname",    "photo",     "frame",         "imageuri",  "imageurl", "uri",
                         "url",      "imageid",   "imgid",         "name"};
const Keys kClassKeys = {"class",       "classname",   "label",   "labelname", "category", "categoryname",
                         "displayname", "objectclass", "species", "object",    "tag",      "name",
                         "type",        "classid",     "labelid", "categoryid"};

struct BoxKeys {
  Form form;
  std::array<const char*, 4> keys;
};
// The first whose four names all are there is it: so "width" and "height" beside four edges are the image's, as in
// TensorFlow's files, and those beside a corner alone are the box's.
const std::vector<BoxKeys> kBoxKeys = {
    {Form::edges, {"xmin", "ymin", "xmax", "ymax"}},
    {Form::edges, {"bboxxmin", "bboxymin", "bboxxmax", "bboxymax"}},
    {Form::edges, {"minx", "miny", "maxx", "maxy"}},
    {Form::edges, {"x1", "y1", "x2", "y2"}},
    {Form::edges, {"bboxx1", "bboxy1", "bboxx2", "bboxy2"}},
    {Form::edges, {"x0", "y0", "x1", "y1"}},
    {Form::edges, {"left", "top", "right", "bottom"}},
    {Form::edges, {"bboxleft", "bboxtop", "bboxright", "bboxbottom"}},
    {Form::edges, {"xtl", "ytl", "xbr", "ybr"}},
    {Form::edges, {"startx", "starty", "endx", "endy"}},
    {Form::edges, {"roix1", "roiy1", "roix2", "roiy2"}},
    {Form::size, {"bboxx", "bboxy", "bboxwidth", "bboxheight"}},
    {Form::size, {"bboxx", "bboxy", "bboxw", "bboxh"}},
    {Form::size, {"bboxleft", "bboxtop", "bboxwidth", "bboxheight"}},
    {Form::size, {"bbleft", "bbtop", "bbwidth", "bbheight"}},
    {Form::size, {"boxx", "boxy", "boxwidth", "boxheight"}},
    {Form::size, {"x", "y", "w", "h"}},
    {Form::size, {"x", "y", "width", "height"}},
    {Form::size, {"left", "top", "width", "height"}},
    {Form::size, {"xmin", "ymin", "w", "h"}},
    {Form::size, {"xmin", "ymin", "width", "height"}},
    {Form::centre, {"xcenter", "ycenter", "width", "height"}},
    {Form::centre, {"xcentre", "ycentre", "width", "height"}},
    {Form::centre, {"centerx", "centery", "width", "height"}},
    {Form::centre, {"cx", "cy", "w", "h"}},
    {Form::centre, {"cx", "cy", "width", "height"}},
};
constexpr const char* kExample =
    "write a first row such as image,class,xmin,ymin,xmax,ymax (or x,y,w,h in place of the edges)";

int place_of(const Keys& keys, std::string_view key) {
  const auto found = std::find(keys.begin(), keys.end(), key);
  return found == keys.end() ? -1 : static_cast<int>(found - keys.begin());
}

// The first of the wanted keys that there is, but for the column `taken`.
int first_of(const Keys& keys, const Keys& wanted, int taken = -1) {
  for (const std::string& key : wanted)
    if (const int place = place_of(keys, key); place >= 0 && place != taken) return place;
  return -1;
}

std::string shown(const CsvRow& row) {
  std::vector<std::string> fields;
  for (const std::string& field : row.fields) fields.push_back("'" + visible(field) + "'");
  return join(fields, ", ");
}

bool find_box(const Keys& keys, CsvColumns& columns) {
  for (const BoxKeys& candidate : kBoxKeys) {
    std::vector<int> places;
    for (const char* key : candidate.keys) places.push_back(place_of(keys, key));
    if (std::find(places.begin(), places.end(), -1) != places.end()) continue;
    columns.form = candidate.form;
    columns.box = places;
    return true;
  }
  return false;
}

void require_single(const Keys& keys, const CsvRow& header, const std::string& where) {
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < keys.size(); ++i)
    if (const auto [other, is_new] = seen.emplace(keys[i], i); !is_new && !keys[i].empty())
      fail_input("{}: line {}: the columns {} and {} are both called '{}'; rename or remove one", where, header.line,
                 other->second + 1, i + 1, visible(header.fields[i]));
}

void describe_header(const CsvRow& header, CsvColumns& columns) {
  std::vector<std::string> parts;
  std::vector<bool> is_used(header.fields.size());
  const auto add = [&](const char* what, std::vector<int> places) {
    std::erase(places, -1);
    if (places.empty()) return;
    std::vector<std::string> names;
    for (const int place : places) {
      names.push_back("'" + visible(header.fields[static_cast<size_t>(place)]) + "'");
      is_used[static_cast<size_t>(place)] = true;
    }
    parts.push_back(fmt::format("{} {}", what, join(names, ", ")));
  };
  add("image", {columns.image});
  add("class", {columns.class_name});
  add("attributes of which one is the class", {columns.attributes});
  add(columns.form == Form::edges    ? "left, top, right and bottom edge of the box"
      : columns.form == Form::size   ? "left and top edge, width and height of the box"
      : columns.form == Form::centre ? "centre, width and height of the box"
                                     : "shape",
      columns.box);
  add("size of the image", {columns.width, columns.height});
  add("confidence", {columns.confidence});
  add("whether it is a group", {columns.is_group});
  add("whether it is difficult", {columns.is_difficult});
  add("split", {columns.split});
  std::vector<std::string> unused;
  for (size_t i = 0; i < is_used.size(); ++i)
    if (!is_used[i] && !header.fields[i].empty()) unused.push_back("'" + visible(header.fields[i]) + "'");
  columns.description = fmt::format("the columns are taken so: {}{}", join(parts, "; "),
                                    unused.empty() ? "" : "; not read: " + join(unused, ", "));
}

bool find_by_header(const CsvRow& header, const std::string& where, CsvColumns& columns) {
  Keys keys;
  for (const std::string& name : header.fields) keys.push_back(column_key(name));
  if (const int shape = place_of(keys, "regionshapeattributes"); shape >= 0) {
    columns.form = Form::shape;
    columns.box = {shape};
    columns.attributes = place_of(keys, "regionattributes");
  } else if (!find_box(keys, columns)) {
    return false;
  } else {
    columns.class_name = find_class_name(keys);
  }
  require_single(keys, header, where);
  columns.image = first_of(keys, kImageKeys, columns.class_name);
  const auto missing = [&](const char* what) {
    fail_input("{}: line {}: has no column for the {} among {}; {}", where, header.line, what, shown(header), kExample);
  };
  if (columns.image < 0) missing("image");
  if (columns.class_name < 0 && columns.attributes < 0) missing("class");
  const auto is_of_box = [&](int place) {
    return std::find(columns.box.begin(), columns.box.end(), place) != columns.box.end();
  };
  columns.width = first_of(keys, {"imagewidth", "imgwidth", "imagew", "imgw", "width"});
  columns.height = first_of(keys, {"imageheight", "imgheight", "imageh", "imgh", "height"});
  if (columns.width < 0 || columns.height < 0 || is_of_box(columns.width) || is_of_box(columns.height))
    columns.width = columns.height = -1;
  columns.confidence = first_of(keys, {"confidence", "conf", "score"});
  columns.is_group = first_of(keys, {"isgroupof", "iscrowd"});
  columns.is_difficult = first_of(keys, {"difficult", "isdifficult"});
  columns.split = first_of(keys, {"split", "subset", "mluse"});
  columns.count = header.fields.size();
  // Open Images: ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,...
  columns.is_in_shares = keys[static_cast<size_t>(columns.image)] == "imageid" && place_of(keys, "source") >= 0 &&
                         place_of(keys, "isgroupof") >= 0;
  describe_header(header, columns);
  return true;
}

}  // namespace

std::string column_key(const std::string& name) {
  std::string key = lower_case(name);
  std::erase_if(key, [](char c) { return !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'); });
  return key;
}

int find_class_name(const std::vector<std::string>& keys) { return first_of(keys, kClassKeys); }

CsvColumns find_csv_columns(const CsvTable& table, const std::string& where) {
  if (table.rows.empty()) fail_input("{}: is empty; {}", where, kExample);
  CsvColumns columns;
  if (find_by_header(table.rows[0], where, columns) || find_csv_form(table, columns)) return columns;
  fail_input("{}: line {}: has the columns {}, among which no four that are a box are known; {}", where,
             table.rows[0].line, shown(table.rows[0]), kExample);
}

}  // namespace boxseg
