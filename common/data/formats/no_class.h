// Labels that tools write for pixels without an object.
#pragma once
#include <string_view>

namespace boxseg {

// True for the background ("background", "_background_", "__Back ground__") and for LabelMe's void ("__ignore__",
// "_ignore_"). A bare "ignore" or "void" may be a class.
bool is_no_class(std::string_view label);

}  // namespace boxseg
