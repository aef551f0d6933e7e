#include "eval/report_style.h"

#include <fmt/format.h>

#include "common/base/error.h"
#include "common/base/options.h"
#include "common/base/text.h"
#include "eval/html.h"

namespace boxseg {
namespace {

constexpr const char* kEnd = "<!-- end of report -->";

// Colours: greys for what needs no network, blues for pseudo labels, greens for networks; eight hues for series.
const char* const kStyle = R"css(
:root{color-scheme:light dark;--mix:.75;--bg:#fff;--fg:#1b1f24;--soft:#5b6470;--line:#d9dee4;--panel:#f5f7f9;
--base:#9aa3ad;--pseudo:#2f6fd0;--net:#1a8a5a;--upper:#c9b458;--good:#1a8a5a;--bad:#c2402f;
--c0:#2f6fd0;--c1:#d9730d;--c2:#1a8a5a;--c3:#c2307f;--c4:#7a4fd0;--c5:#0e8fa8;--c6:#7c8b12;--c7:#c2402f}
@media (prefers-color-scheme:dark){:root{--bg:#14171b;--fg:#e7eaee;--soft:#9aa5b1;--line:#333a42;--panel:#1d2228;
--base:#7d8792;--pseudo:#6ea3f2;--net:#4fc48d;--upper:#d9c670;--good:#4fc48d;--bad:#f0806f;
--c0:#6ea3f2;--c1:#f2a154;--c2:#4fc48d;--c3:#ef7fbb;--c4:#ab8cf2;--c5:#4cc3da;--c6:#b7c64b;--c7:#f0806f}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 20px 60px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}
h2{font-size:1.25rem;margin:44px 0 8px;padding-top:14px;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:26px 0 8px}
p{max-width:75ch;margin:6px 0 12px}
.sub{color:var(--soft);margin:0 0 20px}
.tiles+.sub{font-size:.88rem;margin:8px 0 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.tile{background:var(--panel);border-radius:10px;padding:12px 14px;border-left:5px solid var(--base)}
.tile b{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.88rem;overflow-wrap:anywhere}
.tile.pseudo{border-color:var(--pseudo)}.tile.net{border-color:var(--net)}.tile.upper{border-color:var(--upper)}
.bars{display:grid;gap:5px;margin:10px 0}
.bars .row{display:grid;grid-template-columns:minmax(110px,250px) 1fr 52px;gap:10px;align-items:center}
.name{overflow-wrap:anywhere;line-height:1.25}
.bars .name{text-align:right;font-size:.92rem}
.track{display:block;background:var(--panel);border-radius:3px;overflow:hidden}
.bar{display:block;height:18px;border-radius:0 3px 3px 0;min-width:1px}
.num{font-variant-numeric:tabular-nums;font-size:.92rem;white-space:nowrap}
.base.bar,.base.key{background:var(--base)}.pseudo.bar,.pseudo.key{background:var(--pseudo)}
.net.bar,.net.key{background:var(--net)}.upper.bar,.upper.key{background:var(--upper)}
.bar.s0,.key.s0{background:var(--c0)}.bar.s1,.key.s1{background:var(--c1)}.bar.s2,.key.s2{background:var(--c2)}.bar.s3,.key.s3{background:var(--c3)}
.bar.s4,.key.s4{background:var(--c4)}.bar.s5,.key.s5{background:var(--c5)}.bar.s6,.key.s6{background:var(--c6)}.bar.s7,.key.s7{background:var(--c7)}
path.s0{stroke:var(--c0)}path.s1{stroke:var(--c1)}path.s2{stroke:var(--c2)}path.s3{stroke:var(--c3)}
path.s4{stroke:var(--c4)}path.s5{stroke:var(--c5)}path.s6{stroke:var(--c6)}path.s7{stroke:var(--c7)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:.88rem;margin:6px 0 10px}
.key,.chip{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.chip{border:1px solid color-mix(in srgb,var(--fg) 45%,transparent)}
.groups{display:grid;grid-template-columns:repeat(auto-fill,minmax(270px,1fr));gap:12px 28px}
.group{display:grid;grid-template-columns:112px 1fr;gap:10px;align-items:center}
.group .name{font-size:.88rem;display:flex;align-items:center}
.group .chip{flex:none}
.stack{display:grid;gap:2px}
.line{display:grid;grid-template-columns:1fr 26px;gap:6px;align-items:center}
.line .bar{height:9px}.line .num{font-size:.75rem;line-height:1;color:var(--soft)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;margin:10px 0}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:100%}
th,td{padding:5px 9px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
tbody tr:last-child td,tbody tr:last-child th{border-bottom:0}
thead th{font-weight:600;background:var(--panel)}
th:first-child,td.text,th.text{text-align:left}
table th:first-child{position:sticky;left:0;background:var(--bg);z-index:1;border-right:1px solid var(--line);font-weight:500;min-width:min(190px,34vw);max-width:46vw;white-space:normal}
thead th:first-child{background:var(--panel)}
tr.split th{background:var(--panel);font-weight:600;color:var(--soft)}
td.heat{background:color-mix(in srgb,var(--net) calc(var(--v)*.42%),transparent)}
td.best{font-weight:700}
.up{color:var(--good)}.down{color:var(--bad)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:24px}
figure{margin:0}
.chart figcaption{font-weight:600;margin-bottom:2px}
.plot{position:relative;margin:4px 20px 26px 54px;height:220px;border-left:1px solid var(--soft);border-bottom:1px solid var(--soft)}
.plot svg{position:absolute;inset:0;width:100%;height:100%;overflow:hidden}
.plot path{fill:none;vector-effect:non-scaling-stroke;stroke-width:2;stroke-linejoin:round}
.plot .grid{stroke:var(--line);stroke-width:1}
.plot .faint{opacity:.28;stroke-width:1}
.plot .dashed{stroke-dasharray:5 4}
.ytick,.xtick{position:absolute;font-size:.75rem;color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}
.ytick{right:calc(100% + 6px);transform:translateY(-50%)}
.xtick{top:calc(100% + 4px);transform:translateX(-50%)}
.xlabel{text-align:center;font-size:.8rem;color:var(--soft);margin-top:-6px}
.mix{display:inline-flex;align-items:center;gap:10px;font-size:.9rem;margin:2px 0 6px}
.card{background:var(--panel);border-radius:10px;padding:12px;margin:0 0 16px}
.card header{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline;margin-bottom:8px;overflow-wrap:anywhere}
.tag{font-size:.88rem}
.rank{margin-left:auto;color:var(--soft);font-variant-numeric:tabular-nums;font-size:.9rem}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(176px,1fr));gap:10px}
.ph{position:relative;width:100%;aspect-ratio:var(--ratio);max-height:320px;background:var(--photo) 0 0/100% 100%;border-radius:5px;overflow:hidden}
.ph>*{position:absolute;inset:0;width:100%;height:100%}
.ov{opacity:var(--mix);image-rendering:pixelated}
.boxes rect{fill:none;vector-effect:non-scaling-stroke}
.boxes .edge{stroke:#fff;stroke-width:4.5;opacity:.85}.boxes .box{stroke-width:2.5}
.panels figcaption{font-size:.8rem;line-height:1.3;margin-top:3px;color:var(--soft);overflow-wrap:anywhere}
.panels figcaption b{font-weight:600;color:var(--fg)}
details{margin:10px 0}summary{cursor:pointer}
code{font-size:.85em;overflow-wrap:anywhere}
ul.notes{padding-left:20px;color:var(--soft)}
@media (max-width:600px){body{font-size:15px}main{padding:16px 12px 40px}h1{font-size:1.4rem}
.bars .row{grid-template-columns:1fr 48px;gap:0 8px}.bars .name{grid-column:1/-1;text-align:left;margin-top:4px}
.groups{grid-template-columns:1fr}.panels{grid-template-columns:1fr 1fr;gap:8px}.card{padding:10px 8px}
.plot{margin-left:46px;height:190px}.tiles{grid-template-columns:1fr 1fr}.tile b{font-size:1.4rem}}
)css";

}  // namespace

std::string html_document(const std::string& title, const std::string& body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\"><title>{}: boxseg report</title><link rel=\"icon\" href=\"data:,\"><style>{}</style></head>\n<body><main>\n"
      "{}<p class=\"sub\">boxseg {}</p></main></body></html>\n{}\n",
      escaped(title), kStyle, body, kVersion, kEnd);
}

void check_html_document(const std::string& html, const std::string& name) {
  if (!html.starts_with("<!DOCTYPE html>") || html.find("boxseg report</title>") == std::string::npos)
    fail_input("{}: not a report of boxseg", name);
  if (!std::string(trim(html)).ends_with(kEnd)) fail_input("{}: cut short; make it again with report", name);
}

}  // namespace boxseg
