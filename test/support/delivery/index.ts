export {
  ChannelServer,
  type Answer,
  type ReceivedChange,
  type ReceivedMessage,
} from '../../jobs/channel-server.ts';
export {
  checkDeliveries,
  type ChannelCall,
  type Deliveries,
  type DeliveryRules,
} from './check-deliveries.ts';
export { planFaults, type FaultPlan } from './fault-plan.ts';
export { connectChannel, settled } from './connect-channel.ts';
