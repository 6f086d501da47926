//! Sender Keys: one chain per device, room and epoch, which the device's word ties to it.
