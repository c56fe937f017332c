/**
 * Where a map has more than `most` members, forgets the oldest until half as many are left. (Taken
 * away one by one, each would be looked for behind all the places of those before it.)
 */
export function dropOldest(map: Map<string, unknown>, most: number): void {
  if (map.size <= most) return;
  let surplus = map.size - most / 2;
  for (const key of map.keys()) {
    if (surplus <= 0) break;
    map.delete(key);
    surplus -= 1;
  }
}
