/** Every workflow of Muster, by its type name. */
export {
  convergeAccount,
  createAccount,
  deleteAccount,
  resetPassword,
  setPassword,
  syncNickname,
  updateGroups,
  updateProfile,
  validateUser,
} from './account';
export { bulkSync } from './bulk-sync';
export { writeClient } from './client';
export { callManager } from './call-manager';
export { convergeGroup } from './converge-group';
export { convergeGroups } from './converge-groups';
export { authorizeExternal, refreshExternal, revokeExternal } from './external';
export { sendMail } from './mail';
export { probeService } from './probe-service';
export { reconcileAllServices, reconcileService } from './reconcile';
export { purgeTokens, retention, validateAllUsers } from './scheduled';
export { sweep } from './sweep';
