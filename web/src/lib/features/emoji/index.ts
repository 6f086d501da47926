/** Choosing an emoji. The picker and its list come in a file of their own. */
export { default as EmojiPicker } from './LateEmojiPicker.svelte';
export { QUICK } from './quick';
