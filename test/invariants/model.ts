/** The plain map that the service is held against: what stock should be, in a few lines a rule. */

export type Figures = {
  onHand: number;
  reserved: number;
  allocated: number;
  unavailable: number;
  incoming: number;
};

export type ModelLevel = Figures & { version: number };

export type ModelReservation = {
  readonly id: string;
  readonly orderId: string | null;
  readonly lines: ReadonlyMap<string, number>;
  status: 'active' | 'committed' | 'released' | 'expired' | 'returned';
  expiresAt: number;
};

export class Model {
  readonly levels = new Map<string, ModelLevel>();
  readonly reservations: ModelReservation[] = [];
  /** Key → what was said with it, and the answer. */
  readonly keys = new Map<string, { said: string; answer: unknown }>();
  /** Seconds. */
  now = 0;

  level(sku: string): ModelLevel | undefined {
    return this.levels.get(sku);
  }

  /** Holds that count: active, and their time not over. */
  heldOf(sku: string): number {
    return this.reservations
      .filter((r) => r.status === 'active' && r.expiresAt > this.now)
      .reduce((sum, r) => sum + (r.lines.get(sku) ?? 0), 0);
  }

  available(sku: string): number {
    const level = this.level(sku);
    if (level === undefined) return 0;
    return level.onHand - this.heldOf(sku) - level.allocated - level.unavailable;
  }

  /** One command at one level: figures and one version more. */
  change(sku: string, changes: Partial<Figures>): void {
    const none = { onHand: 0, reserved: 0, allocated: 0, unavailable: 0, incoming: 0, version: 0 };
    const level = this.levels.get(sku) ?? none;
    for (const [name, delta] of Object.entries(changes)) {
      level[name as keyof Figures] += delta;
    }
    level.version += 1;
    this.levels.set(sku, level);
  }

  /** What the sweep writes down. */
  sweep(): number {
    const ended = this.reservations.filter((r) => r.status === 'active' && r.expiresAt <= this.now);
    for (const reservation of ended) {
      reservation.status = 'expired';
      for (const [sku, quantity] of reservation.lines) this.change(sku, { reserved: -quantity });
    }
    return ended.length;
  }
}

/** Whether every line can be had. */
export function canTake(model: Model, lines: ReadonlyMap<string, number>): boolean {
  return [...lines].every(([sku, quantity]) => model.available(sku) >= quantity);
}
