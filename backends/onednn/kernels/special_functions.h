// Special functions of one double, to about 1e-14 relative (1e-14 absolute near their roots): far
// more than f32 results need, for loops where speed doesn't matter. Pure, thread-safe.
#ifndef INGOT_BACKENDS_ONEDNN_KERNELS_SPECIAL_FUNCTIONS_H_
#define INGOT_BACKENDS_ONEDNN_KERNELS_SPECIAL_FUNCTIONS_H_

namespace ingot::kernels {

double LogGamma(double x);    // log |Gamma(x)|; inf at 0, -1, -2, …
double Digamma(double x);     // -+inf at +-0, NaN at the other poles, as PyTorch
double ErfInverse(double y);  // inf at +-1, NaN beyond
double BesselI0(double x);    // modified, of the first kind
double BesselI1(double x);

}  // namespace ingot::kernels

#endif  // INGOT_BACKENDS_ONEDNN_KERNELS_SPECIAL_FUNCTIONS_H_
