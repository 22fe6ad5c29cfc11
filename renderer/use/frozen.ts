import { computed, shallowRef, type ComputedRef } from 'vue';

/**
 * A list that keeps its order while the pointer is in it, so that nothing jumps from under a hand: rows go on changing,
 * newer ones wait and are counted.
 */
export function useFrozen<T>(rows: () => readonly T[], keyOf: (row: T) => unknown) {
  const frozen = shallowRef<readonly T[]>();
  const shown: ComputedRef<readonly T[]> = computed(() => {
    const current = rows();
    return frozen.value?.map(row => current.find(each => keyOf(each) === keyOf(row)) ?? row) ?? current;
  });
  const newer = computed(() => {
    const held = frozen.value;
    return held ? rows().filter(row => !held.some(each => keyOf(each) === keyOf(row))).length : 0;
  });
  return {
    shown,
    newer,
    freeze: () => void (frozen.value = rows()),
    thaw: () => void (frozen.value = undefined),
  };
}
