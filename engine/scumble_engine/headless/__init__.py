"""The host without a screen: pictures and OpenRaster files behind the same `Host` interface that Krita and GIMP implement."""
