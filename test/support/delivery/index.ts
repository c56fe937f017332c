export { checkDeliveries, type ChannelCall, type Deliveries } from './check-deliveries.ts';
