// These files are odd in ways people have met. They get pycocotools' numbers to the last bit, with a sentence where
// these surprise, or a refusal that names the entry. The numbers here are those of pycocotools 2.0.11.
#include "common/base/error.h"
#include "common/base/files.h"
#include "common/pipeline/plan/metrics_file.h"
#include "tests/support/support.h"

#include "tests/support/catch.h"

using namespace boxseg;

namespace {

// The truth and the detections have two images, four objects and five detections.
const std::string kTruth = R"({"images":[{"id":3,"width":60,"height":50},{"id":5,"width":60,"height":50}],
"categories":[{"id":2,"name":"cat"},{"id":4,"name":"dog"}],
"annotations":[{"id":1,"image_id":3,"category_id":2,"iscrowd":0,"area":120,"bbox":[5,7,10,12],"segmentation":[[5,7,15,7,15,19,5,19]]},
{"id":2,"image_id":3,"category_id":2,"iscrowd":0,"area":240,"bbox":[30,10,12,20],"segmentation":[[30,10,42,10,42,30,30,30]]},
{"id":7,"image_id":5,"category_id":4,"iscrowd":0,"area":200,"bbox":[8,9,20,10],"segmentation":[[8,9,28,9,28,19,8,19]]},
{"id":8,"image_id":5,"category_id":2,"iscrowd":0,"area":225,"bbox":[10,20,15,15],"segmentation":[[10,20,25,20,25,35,10,35]]}]})";
const std::string kDetections =
    R"([{"image_id":3,"category_id":2,"score":0.9,"bbox":[6,7,10,12],"segmentation":[[6,7,16,7,16,19,6,19]]},
{"image_id":5,"category_id":2,"score":0.85,"bbox":[40,30,10,10],"segmentation":[[40,30,50,30,50,40,40,40]]},
{"image_id":3,"category_id":2,"score":0.8,"bbox":[30,12,12,20],"segmentation":[[30,12,42,12,42,32,30,32]]},
{"image_id":5,"category_id":4,"score":0.7,"bbox":[8,9,20,10],"segmentation":[[8,9,28,9,28,19,8,19]]},
{"image_id":5,"category_id":2,"score":0.6,"bbox":[11,20,15,15],"segmentation":[[11,20,26,20,26,35,11,35]]}])";

using Edits = std::vector<std::pair<std::string, std::string>>;

std::string edited(std::string text, const Edits& edits) {
  for (const auto& [from, to] : edits)
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  return text;
}

struct Files {
  test::TemporaryDirectory dir;
  fs::path truth = dir / "gt.json", detections = dir / "dt.json", numbers = dir / "numbers.json";
  Files(const Edits& of_truth, const Edits& of_detections) {
    write_file(truth, edited(kTruth, of_truth));
    write_file(detections, edited(kDetections, of_detections));
  }
  test::CommandResult evaluate(const std::string& type, const std::string& more = "") const {
    return test::run_command(
        fmt::format("'{}/evaluate' coco --ground-truth '{}' --detections '{}' --type {} --json '{}' --key coco {}",
                    BOXSEG_BIN_DIR, truth.string(), detections.string(), type, numbers.string(), more));
  }
};

constexpr double kNotAsked = -2;

struct Odd {
  const char* what;
  char file;  // t: the truth, d: the detections, *: both
  Edits edits;
  struct Wanted {
    double ap, ar;
  } bbox, segm;
  const char* warning;
};

// The values of tests of one kind stand together; a kind that pycocotools itself gets wrong keeps its value, and is
// told.
const std::vector<Odd> kOdd = {
    // clang-format off
    {"plain", 't', {}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"iscrowd true", 't', {{R"("id":2,"image_id":3,"category_id":2,"iscrowd":0)", R"("id":2,"image_id":3,"category_id":2,"iscrowd":true)"}}, {0.8006600660066006, 0.875}, {0.8006600660066006, 0.875}, ""},
    {"iscrowd 1.0", 't', {{R"("id":2,"image_id":3,"category_id":2,"iscrowd":0)", R"("id":2,"image_id":3,"category_id":2,"iscrowd":1.0)"}}, {0.8006600660066006, 0.875}, {0.8006600660066006, 0.875}, ""},
    {"iscrowd false", 't', {{R"("iscrowd":0)", R"("iscrowd":false)"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"iscrowd 2", 't', {{R"("id":2,"image_id":3,"category_id":2,"iscrowd":0)", R"("id":2,"image_id":3,"category_id":2,"iscrowd":2)"}}, {0.8006600660066006, 0.875}, {0.8006600660066006, 0.875}, ""},
    {"sizes of -1", 't', {{R"("width":60,"height":50)", R"("width":-1,"height":-1)"}}, {0.7961633663366336, 0.8666666666666666}, {kNotAsked, kNotAsked}, ""},
    {"no sizes", 't', {{R"(,"width":60,"height":50)", R"()"}}, {0.7961633663366336, 0.8666666666666666}, {kNotAsked, kNotAsked}, ""},
    {"sizes that are null", 't', {{R"("width":60,"height":50)", R"("width":null,"height":null)"}}, {0.7961633663366336, 0.8666666666666666}, {kNotAsked, kNotAsked}, ""},
    {"sizes that are text", 't', {{R"("width":60,"height":50)", R"("width":"60","height":"50")"}}, {0.7961633663366336, 0.8666666666666666}, {kNotAsked, kNotAsked}, ""},
    {"text image ids", '*', {{R"("id":3)", R"("id":"b.jpg")"}, {R"("image_id":3)", R"("image_id":"b.jpg")"}, {R"("id":5)", R"("id":"a.jpg")"}, {R"("image_id":5)", R"("image_id":"a.jpg")"}, {R"("score":0.9)", R"("score":0.85)"}}, {0.7667079207920792, 0.8666666666666666}, {0.7667079207920792, 0.8666666666666666}, ""},
    {"text category ids", '*', {{R"({"id":2,"name")", R"({"id":"cat","name")"}, {R"("category_id":2)", R"("category_id":"cat")"}, {R"({"id":4,"name")", R"({"id":"dog","name")"}, {R"("category_id":4)", R"("category_id":"dog")"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"text annotation ids of numbers", 't', {{R"({"id":1,)", R"({"id":"1",)"}, {R"({"id":7,)", R"({"id":"7",)"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"the annotation id \"0\"", 't', {{R"({"id":1,)", R"({"id":"0",)"}}, {0.6202970297029703, 0.75}, {0.6202970297029703, 0.75}, "annotations[0] has the id 0"},
    {"the annotation id 0.0", 't', {{R"({"id":1,)", R"({"id":0.0,)"}}, {0.6202970297029703, 0.75}, {0.6202970297029703, 0.75}, "annotations[0] has the id 0"},
    {"image ids with .0", 'd', {{R"("image_id":3)", R"("image_id":3.0)"}, {R"("image_id":5)", R"("image_id":5.0)"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"category names for ids", 'd', {{R"("category_id":2)", R"("category_id":"cat")"}, {R"("category_id":4)", R"("category_id":"dog")"}}, {0.0, 0.0}, {0.0, 0.0}, "detections[0] is of category \"cat\", which the ground truth lacks (it has 2, 4); left out (5 detections in all)"},
    {"a detection of an unknown category", 'd', {{R"("category_id":4)", R"("category_id":9)"}}, {0.29616336633663365, 0.36666666666666664}, {0.29616336633663365, 0.36666666666666664}, "detections[3] is of category 9"},
    {"an annotation of an unknown image", 't', {{R"("id":7,"image_id":5)", R"("id":7,"image_id":6)"}}, {0.5923267326732673, 0.7333333333333333}, {0.5923267326732673, 0.7333333333333333}, "annotations[2] is of image 6"},
    {"ignore 1", 't', {{R"("id":2,"image_id":3,)", R"("id":2,"image_id":3,"ignore":1,)"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, "annotations[1] has 1 as 'ignore'"},
    {"a score that stands twice", 'd', {{R"("score":0.85)", R"("score":0.01,"score":0.85)"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"a list that stands twice", 't', {{R"("annotations":[)", R"("annotations":[],"annotations":[)"}}, {0.7961633663366336, 0.8666666666666666}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"negative sides", 'd', {{R"("bbox":[6,7,10,12])", R"("bbox":[6,7,-10,-12])"}}, {0.6202970297029703, 0.75}, {kNotAsked, kNotAsked}, "detections[0] has the box [6, 7, -10, -12], which has a negative side"},
    {"a point after a polygon", 't', {{R"(5,19]])", R"(5,19],[40,41]])"}}, {kNotAsked, kNotAsked}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"an empty polygon after a polygon", 't', {{R"(5,19]])", R"(5,19],[]])"}}, {kNotAsked, kNotAsked}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"a line after a polygon", 't', {{R"(5,19]])", R"(5,19],[40,41,50,20]])"}}, {kNotAsked, kNotAsked}, {0.7961633663366336, 0.8666666666666666}, ""},
    {"one number after a polygon", 't', {{R"(5,19]])", R"(5,19],[40]])"}}, {kNotAsked, kNotAsked}, {0.7961633663366336, 0.8666666666666666}, "annotations[0] has a polygon of 1 numbers"},
    {"an odd number of numbers", 't', {{R"(5,19]])", R"(5,19,44]])"}}, {kNotAsked, kNotAsked}, {0.7961633663366336, 0.8666666666666666}, "annotations[0] has a polygon of 9 numbers, of which the last one is left out"},
    {"run lengths for another size", 't', {{R"([[5,7,15,7,15,19,5,19]])", R"({"size":[60,50],"counts":[500,100,2400]})"}}, {kNotAsked, kNotAsked}, {0.6202970297029703, 0.75}, "annotations[0] has a mask 60 high and 50 wide, and its image 3 is 50 high and 60 wide"},
    {"run lengths with .0", 't', {{R"([[5,7,15,7,15,19,5,19]])", R"({"size":[50.0,60.0],"counts":[257.0,12.0,2731.0]})"}}, {kNotAsked, kNotAsked}, {0.6202970297029703, 0.75}, ""},
    {"runs of no pixel", 't', {{R"([[5,7,15,7,15,19,5,19]])", R"({"size":[50,60],"counts":[0,0,257,12,38,0,0,12,2681,0]})"}}, {kNotAsked, kNotAsked}, {0.6202970297029703, 0.75},
     "annotations[0] has runs of no pixel in 'segmentation.counts'"},
    // clang-format on
};

}  // namespace

TEST_CASE("odd COCO files give pycocotools' numbers, and a sentence where those surprise") {
  for (const Odd& odd : kOdd) {
    const Files files(odd.file == 'd' ? Edits{} : odd.edits, odd.file == 't' ? Edits{} : odd.edits);
    for (const bool is_bbox : {true, false}) {
      const Odd::Wanted wanted = is_bbox ? odd.bbox : odd.segm;
      if (wanted.ap == kNotAsked) continue;
      const auto result = files.evaluate(is_bbox ? "bbox" : "segm");
      INFO(odd.what << (is_bbox ? ", boxes: " : ", masks: ") << result.err);
      REQUIRE(result.exit_code == 0);
      const Metrics found = read_metrics(files.numbers);
      REQUIRE(found.at("coco/AP").get<double>() == 100 * wanted.ap);
      REQUIRE(found.at("coco/AR100").get<double>() == 100 * wanted.ar);
      REQUIRE_THAT(result.err, Contains(odd.warning));
      REQUIRE((result.err.find("warning") != std::string::npos) == (odd.warning[0] != '\0'));
    }
  }
}

TEST_CASE("what COCO files must not hold is refused with the entry, the value and a way out") {
  struct Refused {
    char file;
    std::string from, to;
    const char* type;
    std::vector<std::string> texts;
  };
  const std::string polygon = "[[5,7,15,7,15,19,5,19]]", first = "\"id\":1,";
  const std::vector<Refused> all = {
      {'d', "\"score\":0.85", "\"score\":NaN", "bbox", {"dt.json: detections[1] has NaN as 'score'"}},
      {'d', "\"score\":0.85", "\"score\":-Infinity", "segm", {"detections[1] has -Infinity as 'score'"}},
      {'d',
       "\"score\":0.85",
       "\"score\":\"0.85\"",
       "bbox",
       {"detections[1] has \"0.85\" as 'score', expected a number"}},
      {'d', "\"score\":0.85", "\"score\":9007199254740993", "bbox", {"detections[1] has 9007199254740993 as 'score'"}},
      {'t', "\"area\":120", "\"area\":NaN", "bbox", {"gt.json: annotations[0] has NaN as 'area'"}},
      {'t', "\"area\":120,", "", "bbox", {"annotations[0] has no 'area'"}},
      {'d', "[6,7,10,12]", "[6,NaN,10,12]", "bbox", {"detections[0] has NaN as 'bbox'"}},
      {'d', "[6,7,10,12]", "[6,null,10,12]", "bbox", {"detections[0] has null in 'bbox', expected numbers"}},
      {'d', "[6,7,10,12]", "null", "segm", {"detections[0] has null as 'bbox'"}},
      {'t',
       "\"id\":1,\"image_id\":3,\"category_id\":2,\"iscrowd\":0",
       first + "\"image_id\":3,\"category_id\":2,\"iscrowd\":\"0\"",
       "bbox",
       {"annotations[0] has \"0\" as 'iscrowd', expected 0 or 1"}},
      {'t', "\"iscrowd\":0", "\"iscrowd\":0.5", "bbox", {"annotations[0] has 0.5 as 'iscrowd'"}},
      {'t', "\"iscrowd\":0", "\"iscrowd\":null", "bbox", {"annotations[0] has null as 'iscrowd'"}},
      {'t',
       "\"width\":60,\"height\":50",
       "\"width\":-1,\"height\":-1",
       "segm",
       {"annotations[0] is of image 3", "evaluate --type bbox"}},
      {'t',
       ",\"width\":60,\"height\":50",
       "",
       "segm",
       {"annotations[0] is of image 3", "lacks the 'height' and 'width'"}},
      {'t',
       "{\"id\":5,\"width\"",
       "{\"id\":\"5\",\"width\"",
       "bbox",
       {"images[1] has the id \"5\", and images[0] has 3"}},
      {'t', "{\"id\":5,\"width\"", "{\"id\":3,\"width\"", "bbox", {"images[1] has the id 3 of images[0]"}},
      {'t', "{\"id\":4,\"name\"", "{\"id\":2,\"name\"", "bbox", {"categories[1] has the id 2 of categories[0]"}},
      {'t', "{\"id\":7,", "{\"id\":1,", "bbox", {"annotations[2] has the id 1 of annotations[0]"}},
      {'t',
       "{\"id\":7,",
       "{\"id\":7.5,",
       "bbox",
       {"annotations[2] has 7.5 as 'id', expected a whole number below 2^63 or a text"}},
      {'t', "{\"id\":7,", "{\"id\":9223372036854775813,", "bbox", {"annotations[2] has 9223372036854775813 as 'id'"}},
      {'t', "{\"id\":7,", "{", "bbox", {"annotations[2] has no 'id'"}},
      {'d',
       "\"image_id\":5",
       "\"image_id\":\"5\"",
       "bbox",
       {"detections[1] is of image \"5\", which the ground truth lacks; it has 3, 5"}},
      {'t', polygon, "[]", "segm", {"annotations[0] has an empty list as 'segmentation'", "evaluate --type bbox"}},
      {'t', polygon, "[[]]", "segm", {"annotations[0] has a first polygon of 0 numbers"}},
      {'t', polygon, "[[5,7,15,19]]", "segm", {"annotations[0] has a first polygon of 4 numbers", "a box has four"}},
      {'t',
       polygon,
       "[5,7,15,7,15,19]",
       "segm",
       {"annotations[0] has 5 in 'segmentation', expected a list of polygons"}},
      {'t', polygon, "[[[5,7],[15,7],[15,19]]]", "segm", {"annotations[0] has points in brackets of their own"}},
      {'t',
       polygon,
       "[[5,7,15,7,15,\"19\"]]",
       "segm",
       {"annotations[0] has \"19\" in 'segmentation', expected numbers"}},
      {'t',
       polygon,
       "[[5,7,15,7,1e9,19]]",
       "segm",
       {"annotations[0] has 1000000000 in 'segmentation', expected pixels of an image"}},
      {'t', polygon, "null", "segm", {"annotations[0] has null as 'segmentation'"}},
      {'t',
       polygon,
       R"({"size":[50,60],"counts":[257,4294967308,2731]})",
       "segm",
       {"annotations[0] has 4294967308 in 'segmentation.counts'"}},
      {'t',
       polygon,
       R"({"size":[50,60],"counts":[257,-12,2755]})",
       "segm",
       {"annotations[0] has -12 in 'segmentation.counts'"}},
      {'t',
       polygon,
       R"({"size":[50,60],"counts":[256.5,12,2731]})",
       "segm",
       {"annotations[0] has 256.5 in 'segmentation.counts'"}},
      {'t',
       polygon,
       R"({"size":[50,60],"counts":[257,12]})",
       "segm",
       {"annotations[0] has run lengths for 269 pixels, its 'size' is 50x60"}},
      {'t', polygon, R"({"size":[50,60],"counts":"b'5`5'"})", "segm", {"annotations[0]", "counts.decode()"}},
      {'t',
       polygon,
       R"({"size":[50,60],"counts":"K"})",
       "segm",
       {"annotations[0] has bad counts: a run would be negative, or beyond 32 bits"}},
      {'t',
       polygon,
       R"({"size":[-1,60],"counts":[257,12,2731]})",
       "segm",
       {"annotations[0] has [-1,60] as 'segmentation.size'"}},
      {'t',
       polygon,
       R"({"size":[10000000000,60],"counts":[257,12,2731]})",
       "segm",
       {"annotations[0] has [10000000000,60] as 'segmentation.size'"}},
  };
  for (const Refused& r : all) {
    const Files files(r.file == 't' ? Edits{{r.from, r.to}} : Edits{}, r.file == 'd' ? Edits{{r.from, r.to}} : Edits{});
    const auto result = files.evaluate(r.type);
    INFO(r.from << " -> " << r.to << ": " << result.err);
    CHECK(result.exit_code == 3);
    CHECK(result.out.empty());
    for (const auto& text : r.texts) CHECK_THAT(result.err, Contains(text));
  }
}

TEST_CASE("COCO files that are no list, are empty, or begin with a byte order mark") {
  const auto with = [](const std::string& truth, const std::string& detections) {
    const Files files({}, {});
    write_file(files.truth, truth);
    write_file(files.detections, detections);
    return files.evaluate("bbox");
  };
  const auto marked = with("\xEF\xBB\xBF" + kTruth, "\xEF\xBB\xBF" + kDetections);
  CHECK(marked.exit_code == 0);
  CHECK_THAT(marked.out, Contains("= 0.796"));
  const auto wide = with(std::string("\xFF\xFE{\0", 4), kDetections);
  CHECK(wide.exit_code == 3);
  CHECK_THAT(wide.err, Contains("gt.json: is UTF-16 text; save it as UTF-8"));
  const auto whole = with(kTruth, R"({"annotations":)" + kDetections + "}");
  CHECK(whole.exit_code == 3);
  CHECK_THAT(whole.err, Contains("dt.json: is not a list of detections; its list 'annotations' alone would be one"));
  const auto nothing = with(kTruth, "[]");
  CHECK(nothing.exit_code == 0);
  CHECK_THAT(nothing.err, Contains("dt.json: holds no detection"));
  const auto no_truth =
      with(R"({"images":[{"id":3},{"id":5}],"categories":[{"id":2},{"id":4}],"annotations":[]})", kDetections);
  CHECK(no_truth.exit_code == 0);
  CHECK_THAT(no_truth.err, Contains("gt.json: holds no object of its images and categories, all numbers are -1"));
  CHECK(with(R"({"images":[],"annotations":[],"annotations":null,"categories":[]})", "[]").exit_code == 3);
}

TEST_CASE("boxes that look like corners or shares are told of, but not a single one beyond its image") {
  const auto err = [](const std::string& from, const std::string& to) {
    return Files({}, {{from, to}}).evaluate("bbox").err;
  };
  CHECK_THAT(err("[30,12,12,20]", "[30,12,42,20]"), !Contains("beyond"));
  CHECK_THAT(
      Files({}, {{"[30,12,12,20]", "[30,12,42,32]"}, {"[40,30,10,10]", "[40,30,50,40]"}}).evaluate("bbox").err,
      Contains("detections[1] has the box [40, 30, 50, 40], which reaches beyond its image; are these corners?") &&
          Contains("2 detections in all"));
  const Edits shares = {{"[6,7,10,12]", "[0.1,0.1,0.2,0.2]"},
                        {"[40,30,10,10]", "[0.6,0.6,0.2,0.2]"},
                        {"[30,12,12,20]", "[0.5,0.2,0.2,0.4]"},
                        {"[8,9,20,10]", "[0.1,0.2,0.3,0.2]"},
                        {"[11,20,15,15]", "[0.2,0.4,0.3,0.3]"}};
  CHECK_THAT(
      Files({}, shares).evaluate("bbox").err,
      Contains("detections[0] has the box [0.1, 0.1, 0.2, 0.2], which is a share of its image; expected pixels"));
}

TEST_CASE("an annotation without iscrowd counts, and that is said") {
  const auto result = Files({{"\"iscrowd\":0,", ""}}, {}).evaluate("segm");
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, Contains("= 0.796"));
  CHECK_THAT(result.err, Contains("annotations[0] has no 'iscrowd', which is taken as 0 (4 annotations in all)"));
}

TEST_CASE("categories of one name keep their numbers apart, and names cannot steer a terminal") {
  const Files twice({{"\"name\":\"dog\"", "\"name\":\"cat\""}}, {});
  const auto result = twice.evaluate("bbox", "--per-class");
  REQUIRE(result.exit_code == 0);
  const Metrics found = read_metrics(twice.numbers);
  CHECK(found.at("coco/AP_of/cat (id 4)").get<double>() == Approx(100));
  CHECK(found.at("coco/AP_of/cat (id 2)").get<double>() < 100);
  CHECK(found.count("coco/AP_of/cat") == 0);
  CHECK_THAT(result.out, Contains("cat (id 2)") && Contains("cat (id 4)"));
  // Nor does a name that looks like what tells them apart take another's place.
  const Files thrice({{"\"name\":\"dog\"", "\"name\":\"cat\""},
                      {"\"categories\":[", "\"categories\":[{\"id\":77,\"name\":\"cat (id 2)\"},"}},
                     {});
  const auto third = thrice.evaluate("bbox", "--per-class");
  INFO(third.err);
  REQUIRE(third.exit_code == 0);
  const Metrics apart = read_metrics(thrice.numbers);
  CHECK(std::count_if(apart.begin(), apart.end(),
                      [](const auto& entry) { return entry.first.starts_with("coco/AP_of/"); }) == 3);
  CHECK(apart.at("coco/AP_of/cat (id 4)").get<double>() == Approx(100));
  const auto coloured =
      Files({{"\"name\":\"dog\"", "\"name\":\"\\u001b[31mdog\""}}, {}).evaluate("bbox", "--per-class");
  CHECK(coloured.exit_code == 0);
  CHECK_THAT(coloured.out, Contains("\\x1B[31mdog") && !Contains("\x1b"));
}
