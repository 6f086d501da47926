//! How fast a large community is verified. Nothing is asserted of time; the figure is printed.
