/* Debian: where multiarch libraries are. A module has none. */
#define DEB_HOST_MULTIARCH "none"
